// Widths, signs and digits of one value.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "template/format.h"
#include "template/number_format.h"
#include "template/search.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {

std::string padded(std::string_view text, int64_t width, std::string_view fill, char side) {
  const int64_t missing = width - characters(Text(std::string(text), false));
  if (missing <= 0) return std::string(text);
  check_output(text.size() + static_cast<uint64_t>(missing) * fill.size());
  int64_t left = side == '>' ? missing : side == '^' ? missing / 2 : 0;
  if (side == 'c') left = missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

std::string replaced(std::string_view text, std::string_view old, std::string_view by, int64_t most) {
  std::string out;
  int64_t done = 0;
  size_t at = 0;
  while (most < 0 || done < most) {
    if (old.empty()) {  // between all characters
      out += by;
      ++done;
      check_output(out.size());
      if (at == text.size()) return out;
      const size_t size = next_utf8(text.substr(at)).size;
      out += text.substr(at, size);
      at += size;
      continue;
    }
    const size_t found = find_text(text, old, at);
    if (found == text.npos) break;
    out += text.substr(at, found - at);
    out += by;
    at = found + old.size();
    ++done;
    check_output(out.size());
  }
  return out += text.substr(at);
}

std::string exponent_text(double value, int precision, bool upper_case, bool keep_point) {
  spend_bytes(static_cast<uint64_t>(std::clamp(precision, 0, 1000)));
  char buffer[1200];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific,
                                 std::min(precision, 1000));
  std::string out(buffer, end.ptr);
  if (keep_point && precision == 0) out.insert(out.find('e'), ".");
  return upper_case ? upper(out) : out;
}

std::string general_text(double value, int precision, bool upper_case, bool keep_zeros, int sooner) {
  precision = std::clamp(precision, 1, 1000);
  const std::string scientific = exponent_text(value, precision - 1, false, false);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  std::string digits, tail;
  if (exponent < -4 || exponent >= precision - sooner) {
    digits = scientific.substr(0, scientific.find('e'));
    tail = scientific.substr(scientific.find('e'));
  } else {
    digits = fixed(value, precision - 1 - exponent);
  }
  if (!keep_zeros && digits.find('.') != digits.npos) {
    while (digits.ends_with('0')) digits.pop_back();
    if (digits.ends_with('.')) digits.pop_back();
  }
  return upper_case ? upper(digits + tail) : digits + tail;
}

std::string grouped(const std::string& digits, char separator, size_t size) {
  const size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string out;
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && (end - i) % size == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(end);
}

std::string integer_digits(uint64_t magnitude, int base) {
  char buffer[80];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr};
}

namespace {

struct Spec {
  std::string fill = " ";
  char align = '\0', sign = '-', group = '\0', type = '\0';
  bool alternate = false;
  int64_t width = 0;
  int precision = -1;
};

Spec read_spec(std::string_view spec) {
  Spec s;
  const auto align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const auto take = [&] {
    const char c = spec[0];
    spec.remove_prefix(1);
    return c;
  };
  if (!spec.empty()) {
    const size_t first = next_utf8(spec).size;
    if (first < spec.size() && align(spec[first])) {
      s.fill = spec.substr(0, first);
      s.align = spec[first];
      spec.remove_prefix(first + 1);
    } else if (align(spec[0])) {
      s.align = take();
    }
  }
  if (!spec.empty() && (spec[0] == '+' || spec[0] == '-' || spec[0] == ' ')) s.sign = take();
  if (spec.starts_with('#')) s.alternate = take() != 0;
  if (spec.starts_with('0')) {
    take();
    if (s.align == '\0') {
      s.fill = "0";
      s.align = '=';
    }
  }
  const auto number = [&](int64_t& into) {
    const auto read = std::from_chars(spec.data(), spec.data() + spec.size(), into);
    if (read.ec == std::errc::result_out_of_range) fail("Too many decimal digits in format string");
    spec.remove_prefix(static_cast<size_t>(read.ptr - spec.data()));
    return read.ec == std::errc();
  };
  if (!spec.empty() && spec[0] >= '0' && spec[0] <= '9') number(s.width);
  if (spec.starts_with(',') || spec.starts_with('_')) s.group = take();
  if (spec.starts_with('.')) {
    take();
    int64_t precision = 0;
    if (spec.empty() || spec[0] < '0' || spec[0] > '9' || !number(precision))
      fail("Format specifier missing precision");
    if (precision > 1000) fail("expected 0 to 1000 digits after the point, found {}", precision);
    s.precision = static_cast<int>(precision);
  }
  if (!spec.empty()) s.type = take();
  if (!spec.empty()) fail("Invalid format specifier");
  return s;
}

[[noreturn]] void unknown_code(char type, const Value& value) {
  fail("Unknown format code '{}' for object of type '{}'", type, type_name(value));
}

std::string real_digits(double magnitude, const Spec& s, const Value& value) {
  const int precision = s.precision < 0 ? 6 : s.precision;
  if (!std::isfinite(magnitude))
    return s.type == 'F' || s.type == 'E' || s.type == 'G' ? upper(real_text(magnitude))
                                                           : real_text(magnitude);
  switch (s.type) {
    case 'f':
    case 'F':
      return fixed(magnitude, precision) + (s.alternate && precision == 0 ? "." : "");
    case '%':
      return fixed(magnitude * 100, precision) + "%";
    case 'e':
    case 'E':
      return exponent_text(magnitude, precision, s.type == 'E', s.alternate);
    case 'g':
    case 'G':
    case 'n':
      return general_text(magnitude, precision, s.type == 'G', s.alternate);
    case '\0': {
      if (s.precision < 0) return real_text(magnitude);
      const std::string text = general_text(magnitude, s.precision, false, false, 1);
      return text.find_first_of(".e") == text.npos ? text + ".0" : text;
    }
    default:
      unknown_code(s.type, value);
  }
}

std::string number_text(const Value& value, const Spec& s) {
  bool negative = false;
  std::string prefix, digits;
  const bool as_real = value.is(Kind::real) ||
                       (s.type != '\0' && std::string_view("fFeEgG%").find(s.type) != std::string_view::npos);
  if (as_real) {
    const double real = value.as_real();
    negative = std::signbit(real) && !std::isnan(real);
    digits = real_digits(std::fabs(real), s, value);
  } else {
    const int64_t n = value.as_integer();
    if (s.precision >= 0) fail("Precision not allowed in integer format specifier");
    if (s.type == 'c') {
      if (n < 0 || n > 0x10FFFF) fail("%c arg not in range(0x110000)");
      append_utf8(digits, static_cast<char32_t>(n));
      return digits;
    }
    negative = n < 0;
    const int base = s.type == 'b' ? 2 : s.type == 'o' ? 8 : s.type == 'x' || s.type == 'X' ? 16 : 10;
    if (base == 10 && s.type != '\0' && s.type != 'd' && s.type != 'n') unknown_code(s.type, value);
    digits = integer_digits(negative ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n), base);
    if (s.type == 'X') digits = upper(digits);
    if (s.alternate && base != 10) prefix = std::string("0") + s.type;
  }
  if (s.group != '\0')
    digits = grouped(digits, s.group,
                     s.type == 'x' || s.type == 'X' || s.type == 'b' || s.type == 'o' ? 4 : 3);
  const std::string sign = negative ? "-" : s.sign == '-' ? "" : std::string(1, s.sign);
  if (s.align == '=') {
    const int64_t width = s.width - static_cast<int64_t>(sign.size() + prefix.size());
    if (s.group != '\0' && s.fill == "0") {  // zeros are grouped too
      const size_t size = s.type == 'x' || s.type == 'b' || s.type == 'o' ? 4 : 3;
      const std::string plain = digits;
      const size_t whole_end =
          std::min(plain.find_first_not_of(std::string("0123456789abcdef") + s.group), plain.size());
      std::string whole = plain.substr(0, whole_end), rest = plain.substr(whole_end);
      whole.erase(std::remove(whole.begin(), whole.end(), s.group), whole.end());
      check_output(static_cast<uint64_t>(std::max<int64_t>(width, 0)));
      size_t n = whole.size();
      while (static_cast<int64_t>(n + (n == 0 ? 0 : (n - 1) / size) + rest.size()) < width) ++n;
      digits = grouped(std::string(n - whole.size(), '0') + whole, s.group, size) + rest;
    }
    return sign + prefix + padded(digits, width, s.fill, '>');
  }
  return padded(sign + prefix + digits, s.width, s.fill, s.align ? s.align : '>');
}

}  // namespace

std::string format_value(const Value& value, std::string_view text) {
  if (text.empty()) return str(value);
  if (value.is(Kind::boolean) || value.is(Kind::integer) || value.is(Kind::real))
    return number_text(value, read_spec(text));
  const Spec s = read_spec(text);
  if (!value.is(Kind::string)) fail("unsupported format string passed to {}.__format__", type_name(value));
  if (s.type != '\0' && s.type != 's') unknown_code(s.type, value);
  if (s.align == '=') fail("'=' alignment not allowed in string format specifier");
  std::string out = value.bytes();
  if (s.precision >= 0) {
    std::u32string cut = decode(out);
    cut.resize(std::min(cut.size(), static_cast<size_t>(s.precision)));
    out = encode(cut);
  }
  return padded(out, s.width, s.fill, s.align ? s.align : '<');
}

}  // namespace cohort::jinja
