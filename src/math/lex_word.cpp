#include "math/lexer_class.h"
#include "math/names.h"

namespace cohort::math {

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

}  // namespace cohort::math
