#include "math/lexer.h"

#include <optional>

#include "math/expr.h"
#include "math/lex_number.h"
#include "math/names.h"

namespace cohort::math {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '~'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

// "A, C and D", "2 hours": text that is mathematics all the same.
bool list_or_number(std::string_view s) {
  if (s[0] >= '0' && s[0] <= '9') return true;
  bool list = false;
  for (size_t i = 0; i < s.size();) {
    size_t end = i;
    while (end < s.size() && letter(s[end])) ++end;
    const std::string_view word = s.substr(i, end - i);
    if (word.size() > 1 && word != "and" && word != "or") return false;
    list = list || word.size() > 1 || s[i] == ',';
    i = std::max(end, i + 1);
  }
  return list;
}

bool any_letter(std::string_view s) {
  for (const char c : s)
    if (letter(c) || static_cast<unsigned char>(c) >= 0x80) return true;
  return false;
}

constexpr int kMaxNesting = 20;  // of text within text

struct Decoded {
  char32_t value = 0;
  size_t length = 1;  // 1 for a byte that is no UTF-8
};
Decoded decode(std::string_view s) {
  const auto b = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto tail = [&](size_t i) { return (b(i) & 0xC0u) == 0x80u; };
  if ((b(0) & 0xE0u) == 0xC0u && tail(1)) return {(b(0) & 0x1Fu) << 6 | (b(1) & 0x3Fu), 2};
  if ((b(0) & 0xF0u) == 0xE0u && tail(1) && tail(2))
    return {(b(0) & 0xFu) << 12 | (b(1) & 0x3Fu) << 6 | (b(2) & 0x3Fu), 3};
  if ((b(0) & 0xF8u) == 0xF0u && tail(1) && tail(2) && tail(3))
    return {(b(0) & 7u) << 18 | (b(1) & 0x3Fu) << 12 | (b(2) & 0x3Fu) << 6 | (b(3) & 0x3Fu), 4};
  return {0xFFFD, 1};
}

class Lexer {
 public:
  Lexer(std::string_view source, const ParseOptions& options, int nesting)
      : source_(source), options_(options), nesting_(nesting) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) step();
    push(Token::end, "", at_);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  char peek(size_t n = 0) const { return at_ + n < source_.size() ? source_[at_ + n] : '\0'; }
  const Token* last() const { return tokens_.empty() ? nullptr : &tokens_.back(); }

  Token& push(Token::Kind kind, std::string_view text, size_t from) {
    if (tokens_.size() >= kMaxTokens)
      throw Unjudgeable("an answer of more than " + std::to_string(kMaxTokens) + " signs");
    Token token;
    token.kind = kind;
    token.text = text;
    token.space = space_;
    token.from = from;
    token.to = at_;
    space_ = false;
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }
  void sign(std::string_view text, size_t from) {
    if (text == "{" || text == "(" || text == "[" || text == "{{" || text == "<(") {
      // A group that a command or ^ takes, or that a plain text sets around a number, may hold 1,234.
      const bool argument = text == "{" && last() &&
                            (last()->kind == Token::special || last()->text == "}" || last()->text == "^");
      separating_.push_back(!argument);
    } else if (text == "}" || text == ")" || text == "]" || text == "}}" || text == ">)") {
      if (!separating_.empty()) separating_.pop_back();
    }
    one_sided_ = 0;
    push(Token::sign, text, from);
  }
  bool grouped() const {
    if (options_.commas_separate) return false;
    for (const bool s : separating_)
      if (s) return false;
    return true;
  }

  void step() {
    const char c = peek();
    if (blank(c)) {
      space_ = true;
      ++at_;
    } else if (c == '\\') {
      backslash();
    } else if (digit(c) || (c == '.' && digit(peek(1)))) {
      number();
    } else if (letter(c)) {
      word();
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      foreign();
    } else {
      punctuation();
    }
  }

  void number() {
    const size_t from = at_;
    // After a letter's _ or in a comma list inside brackets commas separate.
    const NumberText n = read_number(rest(), grouped(), options_.decimal_comma);
    at_ += n.length;
    Token& token = push(Token::number, source_.substr(from, n.length), from);
    token.value = n.value;
    token.decimal = n.decimal;
    one_sided_ = 0;
  }

  // The braces' content that starts here; nothing where no group does or it is not closed.
  std::optional<std::string_view> group() {
    size_t i = at_;
    while (i < source_.size() && blank(source_[i])) ++i;
    if (i >= source_.size() || source_[i] != '{') return std::nullopt;
    int depth = 0;
    for (size_t j = i; j < source_.size(); ++j) {
      if (source_[j] == '\\') {
        ++j;
      } else if (source_[j] == '{') {
        ++depth;
      } else if (source_[j] == '}' && --depth == 0) {
        at_ = j + 1;
        return source_.substr(i + 1, j - i - 1);
      }
    }
    return std::nullopt;
  }

  void splice(std::string_view content, size_t from) {  // tokens of a group's content
    if (nesting_ >= kMaxNesting) throw Unjudgeable("text nested too deeply");
    std::vector<Token> inner = Lexer(content, options_, nesting_ + 1).run();
    inner.pop_back();
    for (Token& t : inner) {
      if (tokens_.size() >= kMaxTokens)
        throw Unjudgeable("an answer of more than " + std::to_string(kMaxTokens) + " signs");
      t.from = from;
      t.to = at_;
      tokens_.push_back(std::move(t));
    }
  }

  void words(std::string_view content, size_t from) {
    content = trimmed(content);
    while (!content.empty() && (content.back() == '.' || content.back() == ','))
      content = trimmed(content.substr(0, content.size() - 1));
    std::string low;
    for (const char c : content) low += lower(c);
    if (low == "and" || low == "or" || low == "and/or") return sign(low == "or" ? "or" : "and", from);
    if (low == "pi" || low == "infinity") return (void)push(Token::constant, low == "pi" ? "pi" : "oo", from);
    if (content.empty()) {
      space_ = true;
    } else if (!any_letter(content) || content.find('$') != std::string_view::npos ||
               list_or_number(content)) {
      splice(content, from);
    } else {
      push(Token::words, content, from);
    }
  }

  void upright(std::string_view command, std::string_view content, size_t from) {
    content = trimmed(content);
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

  void backslash() {
    const size_t from = at_;
    if (peek(1) == '\\') {
      if (matrices_ > 0) {
        at_ += 2;
        if (peek() == '[') at_ = std::min(source_.find(']', at_), source_.size() - 1) + 1;  // \\[2pt]
        return sign("newrow", from);
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

  // A control character that an escape in a string left: form feed + "rac" was \frac.
  void control(size_t from) {
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
  static std::string_view command_spelling(const std::string& name) {
    static constexpr std::string_view kSpellings[] = {"frac", "beta",   "binom", "begin", "boxed",
                                                      "bar",  "varphi", "vec",   "forall"};
    for (const std::string_view s : kSpellings)
      if (s == name) return s;
    return "quad";
  }

  void command(std::string_view name, size_t from) {
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
        if (name == "not") {
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
        if (const auto content = group()) upright(name, *content, from);
        break;
      case Role::special:
        special(known.means, from);
        break;
      case Role::none:
        push(Token::letter, name, from);
        break;
    }
  }

  void special(std::string_view name, size_t from) {
    if (name == "begin" || name == "end") {
      const std::string_view kind = group().value_or("");
      const bool matrix = kind.find("matrix") != std::string_view::npos || kind == "array" || kind == "cases";
      if (!matrix) {
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

  void word() {
    const size_t from = at_;
    size_t end = at_;
    while (end < source_.size() && letter(source_[end])) ++end;
    const std::string_view run = source_.substr(from, end - from);
    std::string low;
    for (const char c : run) low += lower(c);
    const bool alone = tokens_.empty() && trimmed(source_.substr(end)).empty();
    const bool after_number = last() && last()->kind == Token::number;
    const auto take = [&](size_t n) { at_ = from + n; };
    if (run.size() > 1) {
      if (low == "and" || low == "or") return take(run.size()), sign(low, from);
      const Name plain = plain_name(run).role == Role::none ? plain_name(low) : plain_name(run);
      const bool interval = run == "Interval" || run == "FiniteSet" || run == "Union" || run == "Tuple" ||
                            run == "Eq" || run == "Intersection" || run == "Complement";
      if (interval) {
        take(run.size());
        if (rest().starts_with(".open") || rest().starts_with(".Lopen") || rest().starts_with(".Ropen"))
          at_ = std::min(source_.find('(', at_), source_.size());
        return (void)push(Token::special, source_.substr(from, at_ - from), from);
      }
      const bool mark = low == "bar" || low == "hat" || low == "tilde";
      if (mark && end < source_.size() && source_[end] == '{')
        return take(run.size()), (void)push(Token::accent, low, from);
      if (plain.role == Role::function)
        return take(run.size()), (void)push(Token::function, plain.means, from);
      if (plain.role == Role::constant)
        return take(run.size()), (void)push(Token::constant, plain.means, from);
      if (plain.role == Role::set) return take(run.size()), (void)push(Token::set, plain.means, from);
      if (plain.role == Role::letter) return take(run.size()), (void)push(Token::letter, plain.means, from);
      if (plain.role == Role::sign) return take(run.size()), sign(plain.means, from);
      if (after_number && is_unit(run)) return take(run.size()), (void)push(Token::words, run, from);
      for (const std::string_view prefix : {"sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "pi"})
        if (run.starts_with(prefix) && run.size() <= prefix.size() + 2) {
          take(prefix.size());
          return (void)push(prefix == "pi" ? Token::constant : Token::function, prefix, from);
        }
      const bool word_follows = end + 3 < source_.size() && source_[end] == ' ' && letter(source_[end + 1]) &&
                                letter(source_[end + 2]) && letter(source_[end + 3]);
      const bool vowel = low.find_first_of("aeiou") != std::string::npos;
      const bool upper = low[1] != run[1];
      const bool answer = low == "yes" || low == "no" || (alone && run.size() >= 3);
      if (vowel && !upper &&
          (run.size() >= 4 || answer || (run.size() == 3 && (after_number || word_follows))))
        return take(run.size()), (void)push(Token::words, run, from);
    }
    take(1);
    push(Token::letter, run.substr(0, 1), from);
  }

  void foreign() {
    const size_t from = at_;
    const Decoded c = decode(rest());
    at_ += c.length;
    const std::string_view name = unicode_command(c.value);
    if (!name.empty()) return command(name, from);
    if (c.value == U'−' || c.value == U'–' || c.value == U'‐' || c.value == U'－') return sign("-", from);
    const auto raised = [&](std::string_view digits) {
      sign("^", from);
      Token& t = push(Token::number, digits, from);
      t.value = mpq_class(std::string(digits));
    };
    if (c.value == U'²') return raised("2");
    if (c.value == U'³') return raised("3");
    if (c.value == U'¹') return raised("1");
    if (c.value == U'⁴') return raised("4");
    const auto part = [&](long a, long b) {
      Token& t = push(Token::number, "1/2", from);
      t.value = mpq_class(a, b);
    };
    if (c.value == U'½') return part(1, 2);
    if (c.value == U'¼') return part(1, 4);
    if (c.value == U'¾') return part(3, 4);
    if (c.value == U'⅓') return part(1, 3);
    if (c.value == U'⅔') return part(2, 3);
    if (c.value == U'€' || c.value == U'£' || c.value == U'¥' || c.value == U'₹' || c.value == 0xA0 ||
        c.value == 0x202F || c.value == 0x2009 || c.value == 0x3000 || c.value == 0x200B) {
      space_ = true;
      return;
    }
    if (c.value == U'，' || c.value == U'、') return sign(",", from);
    if (c.value == U'（') return sign("(", from);
    if (c.value == U'）') return sign(")", from);
    if (c.value == U'：') return sign(":", from);
    // A run of other letters is a word.
    while (at_ < source_.size() && static_cast<unsigned char>(peek()) >= 0x80) {
      const Decoded next = decode(rest());
      if (!unicode_command(next.value).empty()) break;
      at_ += next.length;
    }
    push(Token::words, source_.substr(from, at_ - from), from);
  }

  void punctuation() {
    const size_t from = at_;
    for (const std::string_view s : {"**", "<=", ">=", "!=", "==", "->", "=>"})
      if (rest().starts_with(s)) {
        at_ += 2;
        return sign(s == "**" ? "^" : s == "==" ? "=" : s, from);
      }
    const char c = peek();
    if (c == '\f' || c == '\b' || c == '\v') return control(from);
    ++at_;
    switch (c) {
      case '$':
      case '"':
      case '`':
        space_ = true;
        return;
      case '|':
        return sign(one_sided_ > 0 ? "|(" : one_sided_ < 0 ? "|)" : "|", from);
      case '<':
      case '>':
      case '=':
        if (negated_) {
          negated_ = false;
          return sign("!=", from);
        }
        [[fallthrough]];
      default:
        if (std::string_view("+-*/^_()[]{},;:=<>!'%&.?").find(c) == std::string_view::npos)
          throw Unreadable("an unknown sign");
        return sign(std::string_view(&source_[from], 1), from);
    }
  }

  std::string_view source_;
  const ParseOptions& options_;
  std::vector<Token> tokens_;
  std::vector<bool> separating_;  // of each open bracket: whether commas separate in it
  size_t at_ = 0;
  int matrices_ = 0, one_sided_ = 0, nesting_;
  bool space_ = false, negated_ = false;
};

}  // namespace

std::vector<Token> lex(std::string_view text, const ParseOptions& options) {
  return Lexer(text, options, 0).run();
}

}  // namespace cohort::math
