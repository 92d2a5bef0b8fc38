#include "template/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "template/object.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

// A string as Python's repr writes it; `ascii_only`: everything else as an escape.
std::string quoted(std::string_view text, bool ascii_only) {
  const bool has_single = text.find('\'') != text.npos, has_double = text.find('"') != text.npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const Utf8Char c = next_utf8(text);
    if (c.code == static_cast<char32_t>(quote) || c.code == '\\') {
      (out += '\\') += static_cast<char>(c.code);
    } else if (c.code == '\n') {
      out += "\\n";
    } else if (c.code == '\r') {
      out += "\\r";
    } else if (c.code == '\t') {
      out += "\\t";
    } else if (c.code < 0x80 ? c.code >= 0x20 && c.code != 0x7F : !ascii_only && is_printable(c.code)) {
      out += text.substr(0, c.size);
    } else if (c.code < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c.code));
    } else if (c.code < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c.code));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c.code));
    }
    text.remove_prefix(c.size);
  }
  return out + quote;
}

// Appends to one text, however deep the value nests: what is written is copied once.
class PythonWriter {
 public:
  explicit PythonWriter(bool ascii_only) : ascii_only_(ascii_only) {}

  std::string run(const Value& value) {
    one(value);
    return std::move(out_);
  }

 private:
  void many(std::string_view open, const std::vector<Value>& items, std::string_view close) {
    out_ += open;
    for (const Value& item : items) {
      if (&item != &items.front()) out_ += ", ";
      one(item);
    }
    out_ += close;
  }

  void pairs(const Dict& entries) {
    bool first = true;
    for (const auto& [key, held] : entries.items()) {
      if (!std::exchange(first, false)) out_ += ", ";
      one(key);
      out_ += ": ";
      one(held);
    }
  }

  void one(const Value& value) {
    const Deeper deeper;
    spend(1);
    check_output(out_.size());
    switch (value.kind()) {
      case Kind::undefined:
        out_ += "Undefined";
        return;
      case Kind::none:
        out_ += "None";
        return;
      case Kind::boolean:
        out_ += value.as_bool() ? "True" : "False";
        return;
      case Kind::integer:
        out_ += fmt::format("{}", value.as_integer());
        return;
      case Kind::real:
        out_ += real_text(value.as_real());
        return;
      case Kind::string: {
        spend_bytes(value.bytes().size());
        const std::string text = quoted(value.bytes(), ascii_only_);
        out_ += value.as_text().safe ? "Markup(" + text + ")" : text;
        return;
      }
      case Kind::list:
        return many("[", value.items(), "]");
      case Kind::tuple:
        return many("(", value.items(), value.items().size() == 1 ? ",)" : ")");
      case Kind::iterator:
        out_ += "<generator object>";
        return;
      case Kind::dict:
      case Kind::name_space:
        out_ += value.is(Kind::dict) ? "{" : "<Namespace {";
        pairs(value.entries());
        out_ += value.is(Kind::dict) ? "}" : "}>";
        return;
      case Kind::view:
        return many(type_name(value) + "([", items_of(value), "])");
      case Kind::range: {
        const Range& r = value.as_range();
        out_ += r.step == 1 ? fmt::format("range({}, {})", r.start, r.stop)
                            : fmt::format("range({}, {}, {})", r.start, r.stop, r.step);
        return;
      }
      case Kind::object:
        out_ += value.as_object().repr();
    }
  }

  bool ascii_only_;
  std::string out_;
};

// The text without white space around and without single underscores between digits; none where an underscore
// stands elsewhere.
std::optional<std::string> plain_number(std::string_view text) {
  text = strip(text, {}, true, true);
  spend_bytes(text.size());
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto alnum = [&](size_t j) {
      return j < text.size() && std::isalnum(static_cast<unsigned char>(text[j]));
    };
    if (i == 0 || !alnum(i - 1) || !alnum(i + 1)) return std::nullopt;
  }
  return out;
}

}  // namespace

std::string str(const Value& value) {
  std::string text;
  append(text, value);
  return text;
}

void append(std::string& text, const Value& value) {
  if (value.is(Kind::undefined)) return;
  const std::string written = value.is(Kind::string) ? "" : PythonWriter(false).run(value);
  const std::string& bytes = value.is(Kind::string) ? value.bytes() : written;
  spend(steps_for_bytes(bytes.size()));
  check_output(text.size() + bytes.size());
  text += bytes;
}

std::string repr(const Value& value) { return PythonWriter(false).run(value); }
std::string ascii(const Value& value) { return PythonWriter(true).run(value); }

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto shortest = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(shortest.ptr - buffer));
  const size_t e = text.find('e');
  const int exponent = std::stoi(std::string(text.substr(e + 1)));
  if (exponent < -4 || exponent >= 16) return std::string(text);  // 1e-05, 1.5e+16: as Python writes them
  const auto plain = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string out(buffer, plain.ptr);
  return out.find('.') == out.npos ? out + ".0" : out;
}

std::optional<int64_t> read_integer(std::string_view text, int base) {
  auto plain = plain_number(text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.size() > 2 && digits[0] == '0') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    const int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (named != 0 && (base == named || base == 0)) {
      digits.remove_prefix(2);
      base = named;
    }
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) fail("int() base must be >= 2 and <= 36, or 0");
  uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range || value > (uint64_t{1} << 63) - (negative ? 0 : 1))
    fail("the integer {} is beyond 64 bits", *plain);
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::optional<double> read_real(std::string_view text) {
  const auto plain = plain_number(text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.starts_with('+') || digits.find_first_of("(") != digits.npos) return std::nullopt;
  if (digits.starts_with('-') && plain->starts_with('+')) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) {  // too large or too small: what strtod makes of it
    const bool small = digits.find_first_of("eE") != digits.npos && digits.find('-', 1) != digits.npos;
    value = small ? 0.0 : HUGE_VAL;
    if (digits.starts_with('-')) value = -value;
  }
  return value;
}

std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (digits < 0 || digits > 1000) fail("expected 0 to 1000 digits after the point, found {}", digits);
  spend_bytes(400 + static_cast<size_t>(digits));
  std::string buffer(400 + static_cast<size_t>(digits), '\0');
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  buffer.resize(static_cast<size_t>(end.ptr - buffer.data()));
  return buffer;
}

double round_real(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return 0.0 * value;
  if (digits >= 0) {
    const std::string text = fixed(value, static_cast<int>(digits));
    double rounded = 0;
    std::from_chars(text.data(), text.data() + text.size(), rounded);
    return rounded;
  }
  double scale = 1;
  for (int64_t i = 0; i < -digits; ++i) scale *= 10;
  return std::nearbyint(value / scale) * scale;
}

}  // namespace cohort::jinja
