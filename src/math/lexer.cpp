#include "math/lexer.h"

#include "math/lex_number.h"
#include "math/lexer_class.h"
#include "math/names.h"

namespace cohort::math {

std::string_view without_blanks(std::string_view s) {
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

bool holds_vectors(std::string_view s) {
  if (s.find("\\vec") != s.npos || s.find("\\overrightarrow") != s.npos) return true;
  for (const std::string_view bold : {"\\mathbf{", "\\boldsymbol{", "\\bm{"})
    for (size_t at = s.find(bold); at != s.npos; at = s.find(bold, at + 1)) {
      const size_t i = at + bold.size();
      if (i + 1 < s.size() && letter(s[i]) && s[i + 1] == '}') return true;
    }
  return false;
}

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

void Lexer::number() {
  const size_t from = at_;
  // After a letter's _ or in a comma list inside brackets commas separate.
  const NumberText n = read_number(rest(), grouped(), options_.decimal_comma);
  if (n.length == 0) return punctuation();
  at_ += n.length;
  Token& token = push(Token::number, source_.substr(from, n.length), from);
  token.value = n.value;
  token.decimal = n.decimal;
  one_sided_ = 0;
}

void Lexer::splice(std::string_view content, size_t from) {  // tokens of a group's content
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

void Lexer::punctuation() {
  const size_t from = at_;
  for (const std::string_view s : {"**", "<=", ">=", "!=", "==", "->", "=>"})
    if (rest().starts_with(s)) {
      at_ += 2;
      return sign(s == "**" ? "^" : s == "==" ? "=" : s, from);
    }
  const bool listed = last() && (last()->text == "," || last()->text == "+" || last()->text == "*");
  if (listed && rest().starts_with("...")) return at_ += 3, (void)push(Token::letter, "dots", from);
  const char c = peek();
  if (c == '&' && aligned_ > 0 && matrices_ == 0) return ++at_, void(space_ = true);
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

std::vector<Token> lex(std::string_view text, const ParseOptions& options) {
  return Lexer(text, options, 0).run();
}

}  // namespace cohort::math
