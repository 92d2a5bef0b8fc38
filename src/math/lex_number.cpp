#include "math/lex_number.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "math/ascii.h"
#include "math/expr.h"

namespace cohort::math {
namespace {

size_t digits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && digit(text[n])) ++n;
  return n;
}

// Length of a separator of thousands at the front of text; 0 where there is none.
size_t group_mark(std::string_view text, bool commas) {
  for (const std::string_view mark :
       {std::string_view("{,}"), std::string_view(",\\!"), std::string_view("{,\\!}"),
        std::string_view("\\,"), std::string_view("\\ "), std::string_view("\xE2\x80\xAF"),
        std::string_view("\xC2\xA0")})
    if (text.starts_with(mark)) {
      size_t n = mark.size();
      while (n < text.size() && text[n] == ' ') ++n;
      return n;
    }
  if (commas && text.starts_with(',')) return 1;
  if (text.starts_with(' ') && text.size() > 1 && digit(text[1])) return 1;
  return 0;
}

// The length of what a decimal's digits end in three times, or twice where it has five digits or more;
// otherwise 0. (718281828 ends in 1828 1828.)
size_t repeated_end(std::string_view digits) {
  for (size_t period = 1; 2 * period <= digits.size() && period <= 40; ++period) {
    const size_t times = period >= 5 ? 2 : 3;
    if (times * period > digits.size()) continue;
    const std::string_view end = digits.substr(digits.size() - times * period);
    if (end.substr(period) == end.substr(0, end.size() - period)) return period;
  }
  return 0;
}

mpz_class power_of_ten(unsigned long n) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, n);
  return out;
}

struct Repeating {
  size_t length = 0;  // 0: none
  std::string digits;
};

// What follows a decimal's digits and tells that it repeats: \overline{3}, \bar 3, \dot{1}2\dot{3}, (3), a
// word.
Repeating repeating_part(std::string_view rest, std::string_view whole, std::string_view fraction) {
  const size_t point = rest.starts_with('.');
  const std::string_view tail = rest.substr(point);
  for (const std::string_view open : {std::string_view("\\overline"), std::string_view("\\bar"),
                                      std::string_view("\\dot"), std::string_view("(")}) {
    if (!tail.starts_with(open)) continue;
    const bool bracket = open == "(";
    const auto marked = [&](std::string_view s) {  // the digits under the mark, and what they take
      size_t start = open.size();
      while (!bracket && start < s.size() && s[start] == ' ') ++start;
      const bool braces = !bracket && s.substr(start).starts_with('{');
      start += braces;
      const size_t n = std::min<size_t>(digits(s.substr(start)), bracket || braces ? SIZE_MAX : 1);
      const size_t after = start + n;
      const bool closed = !(bracket || braces) || (after < s.size() && s[after] == (bracket ? ')' : '}'));
      if (n == 0 || !closed) return Repeating{};
      return Repeating{after + (bracket || braces), std::string(s.substr(start, n))};
    };
    Repeating out = marked(tail);
    if (out.length == 0) return {};
    // 0.1(6) is a repeating decimal where nothing follows it, 2.5(4) a product.
    if (bracket && point == 0 && (whole != "0" || out.length != tail.size())) return {};
    if (open == "\\dot") {  // from the first dot to the second
      const std::string_view more = tail.substr(out.length);
      const size_t between = digits(more);
      if (more.substr(between).starts_with(open))
        if (const Repeating second = marked(more.substr(between)); second.length > 0) {
          out.digits += std::string(more.substr(0, between)) + second.digits;
          out.length += between + second.length;
        }
    }
    out.length += point;
    return out;
  }
  std::string_view word = rest;
  while (word.starts_with(' ') || word.starts_with('~')) word.remove_prefix(1);
  char close = 0;
  for (const std::string_view open : {"\\text{", "\\ ", "("})
    if (word.starts_with(open)) {
      word.remove_prefix(open.size());
      close = open == "(" ? ')' : open == "\\ " ? '\0' : '}';
    }
  while (word.starts_with(' ') || word.starts_with('(')) word.remove_prefix(1);
  if (!fraction.empty() && (word.starts_with("repeating") || word.starts_with("recurring"))) {
    if (fraction.find_first_not_of(fraction[0]) != std::string_view::npos)
      throw Unjudgeable("a repeating decimal that does not tell which digits repeat");
    word.remove_prefix(9);
    if (word.starts_with(')') && close == '}') word.remove_prefix(1);
    if (close != 0 && !word.starts_with(close)) return {};
    word.remove_prefix(close != 0);
    return {static_cast<size_t>(word.data() - rest.data()), std::string(fraction.substr(0, 1))};
  }
  return {};
}

mpz_class to_integer(const std::string& text) { return text.empty() ? mpz_class(0) : mpz_class(text, 10); }

}  // namespace

NumberText read_number(std::string_view text, bool grouped, bool decimal_comma) {
  NumberText out;
  size_t i = digits(text);
  std::string whole(text.substr(0, i)), fraction, repeating;
  if (i >= 1 && i <= 3) {  // groups of three
    size_t j = i;
    std::string more;
    while (true) {
      const size_t mark = group_mark(text.substr(j), grouped);
      if (mark == 0 || digits(text.substr(j + mark)) != 3) break;
      more += text.substr(j + mark, 3);
      j += mark + 3;
    }
    const bool leading_zero = whole[0] == '0' && !more.empty();
    if (!more.empty() && !leading_zero) {
      whole += more;
      i = j;
    }
  }
  const auto point_at = [&](size_t at) {
    if (at >= text.size()) return false;
    return text[at] == '.' || (text[at] == ',' && (decimal_comma || (grouped && whole == "0")));
  };
  const auto take_point = [&](size_t at, size_t skip) {
    const size_t n = digits(text.substr(at + skip));
    if (n == 0) return false;
    fraction = text.substr(at + skip, n);
    i = at + skip + n;
    out.decimal = true;
    return true;
  };
  if (point_at(i)) {
    if (!take_point(i, 1) && !whole.empty() && text[i] == '.') {
      const bool trailing =
          i + 1 == text.size() || !(text[i + 1] == '.' || text[i + 1] == '\\' || text[i + 1] == '(');
      if (trailing && i + 1 < text.size() && text[i + 1] != ' ') ++i;  // "5.x"; a full stop stays
    }
  } else if (text.substr(i).starts_with("{.}")) {
    take_point(i, 3);
  }
  if (out.decimal || text.substr(i).starts_with('.'))
    if (const Repeating r = repeating_part(text.substr(i), whole, fraction); r.length > 0) {
      repeating = r.digits;
      i += r.length;
      out.decimal = true;
    }
  for (const std::string_view dots :
       {std::string_view("..."), std::string_view("\\ldots"), std::string_view("\\dots"),
        std::string_view("\\cdots"), std::string_view("\xE2\x80\xA6")})
    if (text.substr(i).starts_with(dots)) {
      const size_t period = repeating.empty() ? repeated_end(fraction) : 0;
      if (period > 0) repeating = fraction.substr(fraction.size() - period);
      if (!repeating.empty()) i += dots.size();
      break;
    }
  if (whole.empty() && fraction.empty() && repeating.empty()) return {};
  if (whole.size() + fraction.size() + repeating.size() > kMaxDigits)
    throw Unjudgeable("a number of more than " + std::to_string(kMaxDigits) + " digits");
  out.value = mpq_class(to_integer(whole + fraction), power_of_ten(fraction.size()));
  if (!repeating.empty())
    out.value += mpq_class(to_integer(repeating),
                           power_of_ten(fraction.size()) * (power_of_ten(repeating.size()) - 1));
  out.value.canonicalize();
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    size_t j = i + 1;
    const bool sign = j < text.size() && (text[j] == '+' || text[j] == '-');
    const bool negative = sign && text[j] == '-';
    j += sign;
    const size_t n = digits(text.substr(j));
    const bool ends = j + n == text.size();
    if (n > 0 && (text[i] == 'E' || !sign || ends || !fraction.empty())) {
      const long exponent = n > 6 ? kMaxExponent + 1 : std::stol(std::string(text.substr(j, n)));
      if (exponent > kMaxExponent)
        throw Unjudgeable("a number with an exponent beyond " + std::to_string(kMaxExponent));
      const mpz_class scale = power_of_ten(static_cast<unsigned long>(exponent));
      if (negative)
        out.value /= scale;
      else
        out.value *= scale;
      if (negative) out.decimal = true;
      i = j + n;
    }
  }
  out.length = i;
  return out;
}

}  // namespace cohort::math
