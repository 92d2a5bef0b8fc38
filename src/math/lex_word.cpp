#include "math/lexer_class.h"
#include "math/names.h"

namespace cohort::math {
namespace {

// Whether a word and what follows it are the sign of a currency before a number.
bool money_before(std::string_view word, std::string_view rest) {
  bool dollar = false, known = false;
  for (const std::string_view s : {"US", "USD", "A", "AU", "C", "CA", "HK", "NZ", "S", "R", "NT"})
    dollar = dollar || word == s;
  for (const std::string_view s : {"Rs", "INR", "USD", "EUR", "GBP", "CNY", "RMB", "JPY"})
    known = known || word == s;
  if (!dollar && !known) return false;
  size_t i = 0;
  if (dollar && (rest.starts_with('$') || rest.starts_with("\\$")))
    i = rest[0] == '$' ? 1 : 2;
  else if (!known)
    return false;
  if (known && i < rest.size() && rest[i] == '.') ++i;
  while (i < rest.size() && (rest[i] == ' ' || rest[i] == '~')) ++i;
  return i < rest.size() && digit(rest[i]);
}

}  // namespace

void Lexer::word() {
  const size_t from = at_;
  size_t end = at_;
  while (end < source_.size() && letter(source_[end])) ++end;
  const std::string_view run = source_.substr(from, end - from);
  std::string low;
  for (const char c : run) low += lower(c);
  const bool alone = tokens_.empty() && without_blanks(source_.substr(end)).empty();
  const bool after_number = last() && last()->kind == Token::number;
  const auto take = [&](size_t n) { at_ = from + n; };
  if (money_before(run, source_.substr(end))) {  // US$45, Rs. 45
    at_ = end;
    while (at_ < source_.size() && !digit(peek())) ++at_;
    space_ = true;
    return;
  }
  if (run.size() > 1) {
    if (low == "and" || low == "or") return take(run.size()), sign(low, from);
    const Name plain = plain_name(run).role == Role::none ? plain_name(low) : plain_name(run);
    const bool interval =
        run == "Interval" || run == "FiniteSet" || run == "Union" || run == "Tuple" ||
        run == "Intersection" || run == "Complement" || run == "Matrix" ||
        (end < source_.size() && source_[end] == '(' &&
         (run == "Eq" || run == "Ne" || run == "Lt" || run == "Le" || run == "Gt" || run == "Ge"));
    if (interval) {
      take(run.size());
      if (rest().starts_with(".open") || rest().starts_with(".Lopen") || rest().starts_with(".Ropen"))
        at_ = std::min(source_.find('(', at_), source_.size());
      return (void)push(Token::special, source_.substr(from, at_ - from), from);
    }
    const bool mark = low == "bar" || low == "hat" || low == "tilde";
    if (mark && end < source_.size() && source_[end] == '{')
      return take(run.size()), (void)push(Token::accent, low, from);
    if (plain.role == Role::function) return take(run.size()), (void)push(Token::function, plain.means, from);
    if (plain.role == Role::constant) return take(run.size()), (void)push(Token::constant, plain.means, from);
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
    if (vowel && !upper && (run.size() >= 4 || answer || (run.size() == 3 && (after_number || word_follows))))
      return take(run.size()), (void)push(Token::words, run, from);
  }
  take(1);
  push(Token::letter, run.substr(0, 1), from);
}

void Lexer::foreign() {
  const size_t from = at_;
  const Decoded c = decode(rest());
  at_ += c.length;
  const std::string_view name = unicode_command(c.value);
  if (!name.empty()) return command(name, from);
  if (c.value == U'−' || c.value == U'–' || c.value == U'‐' || c.value == U'－') return sign("-", from);
  const auto part = [&](long a, long b) {
    Token& t = push(Token::number, "1/2", from);
    t.value = mpq_class(a, b);
  };
  static constexpr struct {
    char32_t value;
    long top, bottom;
  } kParts[] = {{U'½', 1, 2}, {U'¼', 1, 4}, {U'¾', 3, 4}, {U'⅓', 1, 3}, {U'⅔', 2, 3}, {U'⅕', 1, 5},
                {U'⅖', 2, 5}, {U'⅗', 3, 5}, {U'⅘', 4, 5}, {U'⅙', 1, 6}, {U'⅚', 5, 6}, {U'⅐', 1, 7},
                {U'⅛', 1, 8}, {U'⅜', 3, 8}, {U'⅝', 5, 8}, {U'⅞', 7, 8}, {U'⅑', 1, 9}, {U'⅒', 1, 10}};
  for (const auto& p : kParts)
    if (c.value == p.value) return part(p.top, p.bottom);
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

}  // namespace cohort::math
