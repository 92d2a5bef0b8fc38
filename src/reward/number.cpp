#include "reward/number.h"

#include "reward/format.h"

namespace cohort {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212

Decimal canonical(bool negative, std::string_view whole, std::string_view fraction) {
  Decimal out;
  for (char c : whole)
    if (digit(c) && !(out.empty() && c == '0')) out += c;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (out.empty() && fraction.empty()) return "0";
  if (out.empty()) out += '0';
  if (!fraction.empty()) (out += '.') += fraction;
  return negative ? "-" + out : out;
}

// The length of the number without a sign that starts at the front of `text`; 0 where there is none. Digits,
// with commas only where every group of three is complete, and a fraction.
size_t unsigned_length(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && digit(text[i])) ++i;
  if (i >= 1 && i <= 3) {
    size_t j = i;
    while (j + 3 < text.size() && text[j] == ',' && digit(text[j + 1]) && digit(text[j + 2]) &&
           digit(text[j + 3]))
      j += 4;
    if (j == text.size() || !digit(text[j])) i = j;  // "1,2345" is no thousands comma
  }
  size_t f = i;
  if (f < text.size() && text[f] == '.') {
    ++f;
    while (f < text.size() && digit(text[f])) ++f;
    if (f > i + 1) return f;
  }
  return i;
}

Decimal read(bool negative, std::string_view number) {
  const size_t point = number.find('.');
  return canonical(negative, number.substr(0, point),
                   point == std::string_view::npos ? std::string_view() : number.substr(point + 1));
}

}  // namespace

std::optional<Decimal> parse_number(std::string_view text) {
  text = trim(text);
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  } else if (text.starts_with(kMinus)) {
    negative = true;
    text.remove_prefix(kMinus.size());
  }
  const size_t length = unsigned_length(text);
  if (length == 0) return std::nullopt;
  if (length == text.size() || (length + 1 == text.size() && text.back() == '.' &&
                                text.substr(0, length).find('.') == std::string_view::npos))
    return read(negative, text.substr(0, length));
  return std::nullopt;
}

std::optional<Decimal> last_number(std::string_view text) {
  // From the last digit back to the start of its run of digits, commas and points; then the numbers of that
  // run forward.
  size_t end = text.size();
  while (end > 0 && !digit(text[end - 1])) --end;
  if (end == 0) return std::nullopt;
  size_t begin = end;
  while (begin > 0 && (digit(text[begin - 1]) || text[begin - 1] == ',' || text[begin - 1] == '.')) --begin;
  size_t start = begin, length = 0;
  for (size_t i = begin; i < end;) {
    const size_t n = unsigned_length(text.substr(i, end - i));
    if (n == 0 || (text[i] == '.' && i > begin)) {  // ".5" at the front only: "1.2.3" and "...3" end in 3
      ++i;
      continue;
    }
    start = i;
    length = n;
    i += n;
  }
  bool negative = false;
  if (start == begin) {  // a sign stands before the run
    const std::string_view before = text.substr(0, start);
    const size_t sign = before.ends_with('-') ? 1 : before.ends_with(kMinus) ? kMinus.size() : 0;
    if (sign > 0) {
      const std::string_view left = before.substr(0, before.size() - sign);
      const char c = left.empty() ? ' ' : left.back();
      negative = !(digit(c) || letter(c) || c == ')' || c == ']');
    }
  }
  return read(negative, text.substr(start, length));
}

}  // namespace cohort
