#include "math/lexer_class.h"
#include "math/names.h"

namespace cohort::math {

void Lexer::backslash() {
  const size_t from = at_;
  if (peek(1) == '\\') {
    if (matrices_ > 0) {
      at_ += 2;
      if (peek() == '[') at_ = std::min(source_.find(']', at_), source_.size() - 1) + 1;  // \\[2pt]
      return sign("newrow", from);
    }
    size_t run = at_ + 2;
    while (run < source_.size() && letter(source_[run])) ++run;
    if (aligned_ > 0 && command_name(source_.substr(at_ + 2, run - at_ - 2)).role ==
                            Role::none) {  // the next line goes on where it begins with a relation
      at_ += 2;
      while (blank(peek()) || peek() == '&') ++at_;
      const char c = peek();
      const std::string_view next = rest().substr(0, 4);
      const bool goes_on = c == '=' || c == '<' || c == '>' || c == '+' || next.starts_with("\\le") ||
                           next.starts_with("\\ge") || next.starts_with("\\app") || next.starts_with("\\end");
      if (!goes_on) push(Token::gap, "newline", from);
      return;
    }
    ++at_;  // "\\frac" as JSON escapes it; a line's end elsewhere
    if (!letter(peek(1))) {
      ++at_;
      space_ = true;
      return;
    }
  }
  const char c = peek(1);
  if (c == '\0') {
    ++at_;
    return;
  }
  if (c == '\f' || c == '\b' || c == '\v') return ++at_, control(from);
  if (!letter(c)) {
    at_ += 2;
    switch (c) {
      case '{':
        return sign("{{", from);
      case '}':
        return sign("}}", from);
      case '%':
        return sign("%", from);
      case '|':
        return sign("|", from);
      case '(':
      case ')':
      case '[':
      case ']':
      case '$':
      case '&':
      case '#':
      case '_':
      default:
        space_ = true;
        return;  // spacing, \$, \( \)
    }
  }
  size_t end = at_ + 1;
  while (end < source_.size() && letter(source_[end])) ++end;
  std::string_view name = source_.substr(at_ + 1, end - at_ - 1);
  if (command_name(name).role == Role::none) {
    const std::string_view prefix = known_prefix(name);
    if (!prefix.empty()) name = prefix;
  }
  at_ += 1 + name.size();
  command(name, from);
}

void Lexer::control(size_t from) {
  const char first = peek() == '\f' ? 'f' : peek() == '\b' ? 'b' : 'v';
  size_t end = at_ + 1;
  while (end < source_.size() && letter(source_[end])) ++end;
  const std::string name = first + std::string(source_.substr(at_ + 1, end - at_ - 1));
  if (command_name(name).role == Role::none) {
    ++at_;
    space_ = true;
    return;
  }
  at_ = end;
  command(command_spelling(name), from);
}

void Lexer::command(std::string_view name, size_t from) {
  const Name known = command_name(name);
  switch (known.role) {
    case Role::letter:
      push(Token::letter, known.means, from);
      break;
    case Role::function:
      push(Token::function, known.means, from);
      break;
    case Role::constant:
      push(Token::constant, known.means, from);
      break;
    case Role::set:
      push(Token::set, known.means, from);
      break;
    case Role::accent:
      push(Token::accent, known.means, from);
      break;
    case Role::wide_space:
      push(Token::gap, name, from);
      break;
    case Role::sign:
      if (known.means == "|" && one_sided_ != 0) return sign(one_sided_ > 0 ? "|(" : "|)", from);
      if (name == "times" && vectors_) {
        sign("cross", from);
      } else if (name == "not") {
        negated_ = true;
      } else {
        sign(negated_ ? (known.means == "in" ? "notin" : "!=") : known.means, from);
        negated_ = false;
      }
      break;
    case Role::skip:
      space_ = true;
      one_sided_ = name == "left" || name == "mleft" ? 1 : name == "right" || name == "mright" ? -1 : 0;
      if (one_sided_ != 0 && peek() == '.') ++at_, one_sided_ = 0;
      break;
    case Role::skip_group:
      group();
      break;
    case Role::words:
      if (const auto content = group()) words(*content, from);
      break;
    case Role::upright:
      if (const auto content = group())
        upright(name, *content, from);
      else if (const size_t at = source_.find_first_not_of(' ', at_);
               at < source_.size() && letter(source_[at]))
        at_ = at + 1, upright(name, source_.substr(at, 1), from);  // \\mathbb R
      break;
    case Role::special:
      special(known.means, from);
      break;
    case Role::none:
      push(Token::letter, name, from);
      break;
  }
}

void Lexer::special(std::string_view name, size_t from) {
  if (name == "begin" || name == "end") {
    const std::string_view kind = group().value_or("");
    const bool matrix = kind.find("matrix") != std::string_view::npos || kind == "array" || kind == "cases";
    if (!matrix) {
      if (kind.starts_with("align") || kind == "split" || kind.starts_with("gather") ||
          kind.starts_with("eqnarray"))
        aligned_ += name == "begin" ? 1 : aligned_ > 0 ? -1 : 0;
      space_ = true;
      return;
    }
    matrices_ += name == "begin" ? 1 : matrices_ > 0 ? -1 : 0;
    if (name == "begin" && kind == "array") group();  // its columns
    push(Token::special, name, from);
    tokens_.back().text += ":";
    tokens_.back().text += kind;
  } else if (name == "char") {  // \char"000190
    if (peek() == '"') ++at_;
    while (digit(peek()) || (peek() >= 'A' && peek() <= 'F')) ++at_;
    const std::string_view code = source_.substr(from, at_ - from);
    if (code.ends_with("190")) return (void)push(Token::letter, "epsilon", from);
    push(Token::letter, code, from);
  } else if (name == "variable") {
    const std::string_view content = group().value_or("");
    push(Token::letter, content, from);
  } else if (name == "d") {
    push(Token::letter, "d", from);
  } else {
    push(Token::special, name, from);
  }
}

void Lexer::words(std::string_view content, size_t from) {
  content = without_blanks(content);
  while (!content.empty() && (content.back() == '.' || content.back() == ','))
    content = without_blanks(content.substr(0, content.size() - 1));
  std::string low;
  for (const char c : content) low += lower(c);
  bool function = false;
  for (const std::string_view f : {"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan",
                                   "sinh", "cosh", "tanh", "ln", "log", "gcd", "lcm"})
    function = function || content == f;
  const bool value_before = last() && last()->kind == Token::number;
  if (function && !value_before) return (void)push(Token::function, plain_name(content).means, from);
  if (low == "to" && value_before) return sign(":", from);  // 3 to 4
  if (low == "and" || low == "or" || low == "and/or") return sign(low == "or" ? "or" : "and", from);
  if (low == "pi" || low == "infinity") return (void)push(Token::constant, low == "pi" ? "pi" : "oo", from);
  if (content.empty()) {
    space_ = true;
  } else if (!any_letter(content) || content.find('$') != std::string_view::npos || list_or_number(content)) {
    splice(content, from);
  } else {
    push(Token::words, content, from);
  }
}

void Lexer::upright(std::string_view command, std::string_view content, size_t from) {
  content = without_blanks(content);
  if (command == "mathbb") {
    const Name set = command_name(content);
    if (content.size() == 1 && set.role == Role::set) return (void)push(Token::set, set.means, from);
  }
  const Name plain = plain_name(content), known = plain.role == Role::none ? command_name(content) : plain;
  if (content.size() > 1 && known.role == Role::function)
    return (void)push(Token::function, known.means, from);
  if (content.size() > 1 && !is_unit(content) && known.role == Role::sign) return sign(known.means, from);
  bool name = content.size() > 1;
  for (const char c : content) name = name && letter(c);
  const bool before =
      last() &&
      (last()->kind == Token::number || last()->kind == Token::words ||
       (last()->text == "/" && tokens_.size() > 1 && tokens_[tokens_.size() - 2].kind == Token::words));
  const bool unit =
      content.size() == 1 && before && content != "d" && content != "e" && content != "i";  // 5 \mathrm{m}
  if (name || unit || is_unit(content)) return (void)push(Token::words, content, from);
  splice(content, from);
}

}  // namespace cohort::math
