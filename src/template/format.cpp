#include "template/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "template/interpreter.h"
#include "template/number_format.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

struct Directive {
  bool left = false, plus = false, blank = false, alternate = false, zero = false;
  int64_t width = 0;
  int precision = -1;
  char type = '\0';
};

std::string with_width(const Directive& d, const std::string& sign, const std::string& digits) {
  if (d.zero && !d.left) return sign + padded(digits, d.width - static_cast<int64_t>(sign.size()), "0", '>');
  return padded(sign + digits, d.width, " ", d.left ? '<' : '>');
}

std::string number(const Directive& d, const Value& value) {
  if (!value.is_number()) fail("%{} format: a real number is required, not {}", d.type, type_name(value));
  const bool real = std::string_view("eEfFgG").find(d.type) != std::string_view::npos;
  bool negative = false;
  std::string digits;
  if (real) {
    const double x = value.as_real();
    negative = std::signbit(x) && !std::isnan(x);
    const double magnitude = std::fabs(x);
    const int precision = d.precision < 0 ? 6 : d.precision;
    const bool big = d.type == 'E' || d.type == 'F' || d.type == 'G';
    if (!std::isfinite(x))
      digits = big ? upper(real_text(magnitude)) : real_text(magnitude);
    else if (d.type == 'f' || d.type == 'F')
      digits = fixed(magnitude, precision) + (d.alternate && precision == 0 ? "." : "");
    else if (d.type == 'e' || d.type == 'E')
      digits = exponent_text(magnitude, precision, big, d.alternate);
    else
      digits = general_text(magnitude, precision, big, d.alternate);
  } else {
    if (value.is(Kind::real) && (d.type == 'x' || d.type == 'X' || d.type == 'o'))
      fail("%{} format: an integer is required, not float", d.type);
    if (value.is(Kind::real) && !(std::fabs(value.as_real()) < 0x1p63))
      fail("cannot convert {} to an integer", real_text(value.as_real()));
    const int64_t n = value.is(Kind::real) ? static_cast<int64_t>(value.as_real()) : value.as_integer();
    negative = n < 0;
    digits = integer_digits(negative ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n),
                            d.type == 'o'                    ? 8
                            : d.type == 'x' || d.type == 'X' ? 16
                                                             : 10);
    if (d.precision > static_cast<int>(digits.size())) digits = padded(digits, d.precision, "0", '>');
    if (d.type == 'X') digits = upper(digits);
  }
  std::string sign = negative ? "-" : d.plus ? "+" : d.blank ? " " : "";
  if (d.alternate && (d.type == 'x' || d.type == 'X' || d.type == 'o')) sign += std::string("0") + d.type;
  return with_width(d, sign, digits);
}

std::string one(const Directive& d, const Value& value) {
  if (d.type == 's' || d.type == 'r' || d.type == 'a' || d.type == 'c') {
    std::string text;
    if (d.type == 'c' && value.is_integral()) {
      if (value.as_integer() < 0 || value.as_integer() > 0x10FFFF) fail("%c arg not in range(0x110000)");
      append_utf8(text, static_cast<char32_t>(value.as_integer()));
    } else if (d.type == 'c') {
      if (!value.is(Kind::string) || characters(value.as_text()) != 1) fail("%c requires int or char");
      text = value.bytes();
    } else {
      text = d.type == 's' ? str(value) : d.type == 'r' ? repr(value) : ascii(value);
    }
    if (d.precision >= 0 && d.type != 'c') {
      std::u32string cut = decode(text);
      cut.resize(std::min(cut.size(), static_cast<size_t>(d.precision)));
      text = encode(cut);
    }
    return padded(text, d.width, " ", d.left ? '<' : '>');
  }
  if (std::string_view("diueEfFgGxXo").find(d.type) == std::string_view::npos)
    fail("unsupported format character '{}'", d.type);
  return number(d, value);
}

}  // namespace

std::string percent_format(Interpreter&, std::string_view format, const Value& values) {
  spend_bytes(format.size());
  size_t used = 0;
  const bool tuple = values.is(Kind::tuple);
  const size_t count = tuple ? values.items().size() : 1;
  const auto next = [&]() -> Value {
    if (used >= count) fail("not enough arguments for format string");
    ++used;
    return tuple ? values.items()[used - 1] : values;
  };
  std::string out;
  bool named = false;
  size_t i = 0;
  const auto more = [&] {
    if (i >= format.size()) fail("incomplete format");
    return format[i];
  };
  while (i < format.size()) {
    if (format[i] != '%') {
      const size_t end = std::min(format.find('%', i), format.size());
      out += format.substr(i, end - i);
      i = end;
      continue;
    }
    ++i;
    Directive d;
    std::optional<Value> value;
    if (more() == '(') {
      const size_t end = format.find(')', i);
      if (end == format.npos) fail("incomplete format key");
      if (!values.is(Kind::dict)) fail("format requires a mapping");
      const Value* held = values.entries().find(format.substr(i + 1, end - i - 1));
      if (!held) fail("the format's dict has no key '{}'", format.substr(i + 1, end - i - 1));
      value = *held;
      named = true;
      i = end + 1;
    }
    for (;; ++i) {
      const char c = more();
      if (c == '-')
        d.left = true;
      else if (c == '+')
        d.plus = true;
      else if (c == ' ')
        d.blank = true;
      else if (c == '#')
        d.alternate = true;
      else if (c == '0')
        d.zero = true;
      else
        break;
    }
    const auto size = [&]() -> int64_t {
      int64_t n = 0;
      if (more() == '*') {
        ++i;
        const Value given = next();
        if (!given.is_integral()) fail("* wants int");
        return given.as_integer();
      }
      for (; more() >= '0' && more() <= '9'; ++i)
        if ((n = n * 10 + (format[i] - '0')) > (1 << 30)) fail("a width beyond all bounds");
      return n;
    };
    d.width = size();
    if (d.width < 0) {
      d.left = true;
      d.width = -std::max<int64_t>(d.width, -(1 << 30));
    }
    if (more() == '.') {
      ++i;
      d.precision = static_cast<int>(std::clamp<int64_t>(size(), 0, 1 << 30));
    }
    while (more() == 'l' || more() == 'h' || more() == 'L') ++i;
    d.type = format[i++];
    if (d.type == '%') {
      out += '%';
      continue;
    }
    out += one(d, value ? *value : next());
    check_output(out.size());
  }
  // What has an index may be a mapping whose keys are not asked for.
  const bool indexed =
      values.is(Kind::dict) || values.is(Kind::list) || values.is(Kind::range) || values.is(Kind::undefined);
  if (used < count && !named && !indexed) fail("not all arguments converted during string formatting");
  return out;
}

namespace {

class BraceFormat {
 public:
  BraceFormat(Interpreter& interpreter, Arguments& given) : interpreter_(interpreter), given_(given) {}

  std::string run(std::string_view format, int depth) {
    if (depth > 2) fail("Max string recursion exceeded");
    spend_bytes(format.size());
    std::string out;
    while (!format.empty()) {
      const size_t at = std::min(format.find_first_of("{}"), format.size());
      out += format.substr(0, at);
      format.remove_prefix(at);
      if (format.empty()) break;
      const char c = format[0];
      if (format.size() > 1 && format[1] == c) {
        out += c;
        format.remove_prefix(2);
        continue;
      }
      if (c == '}') fail("Single '}}' encountered in format string");
      size_t end = 1;
      int open = 1;
      for (; end < format.size() && open > 0; ++end)
        open += format[end] == '{' ? 1 : format[end] == '}' ? -1 : 0;
      if (open > 0) fail("expected '}}' before end of string");
      out += field(format.substr(1, end - 2), depth);
      check_output(out.size());
      format.remove_prefix(end);
    }
    return out;
  }

 private:
  std::string field(std::string_view text, int depth) {
    // name, then !conversion, then :spec; brackets in the name may hold both signs.
    size_t end = 0;
    for (bool bracket = false; end < text.size(); ++end) {
      if (text[end] == '[') bracket = true;
      if (text[end] == ']') bracket = false;
      if (!bracket && (text[end] == ':' || text[end] == '!')) break;
    }
    Value value = lookup(text.substr(0, end));
    text.remove_prefix(end);
    if (text.starts_with('!')) {
      const char how = text.size() > 1 ? text[1] : '\0';
      if (how != 's' && how != 'r' && how != 'a')
        fail("Unknown conversion specifier '{}'", text.substr(1, 1));
      value = Value::text(how == 's' ? str(value) : how == 'r' ? repr(value) : ascii(value));
      text.remove_prefix(2);
      if (!text.empty() && text[0] != ':') fail("expected ':' after conversion specifier");
    }
    const std::string spec = text.empty() ? "" : run(text.substr(1), depth + 1);
    if (value.is(Kind::undefined) && !spec.empty()) fail("{}", value.why());
    return format_value(value, spec);
  }

  Value lookup(std::string_view name) {
    const size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, end));
    name.remove_prefix(end);
    while (!name.empty()) {
      if (name[0] == '.') {
        const size_t stop = std::min(name.find_first_of(".[", 1), name.size());
        if (stop == 1) fail("Empty attribute in format string");
        value = interpreter_.attribute(value, name.substr(1, stop - 1));
        name.remove_prefix(stop);
      } else if (name[0] == '[' && name.find(']') != name.npos) {
        const std::string_view key = name.substr(1, name.find(']') - 1);
        const auto index = key.find_first_not_of("0123456789") == key.npos ? read_integer(key) : std::nullopt;
        value = interpreter_.item(value, index ? Value::integer(*index) : Value::text(std::string(key)));
        name.remove_prefix(name.find(']') + 1);
      } else {
        fail("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Value first(std::string_view name) {
    const bool index = name.find_first_not_of("0123456789") == name.npos;
    if (!index) {
      for (const auto& [key, value] : given_.named)
        if (key == name) return value;
      fail("format: no argument '{}'", name);
    }
    if (name.empty() ? manual_ : automatic_)
      fail("cannot switch between automatic and manual field numbering");
    (name.empty() ? automatic_ : manual_) = true;
    const size_t at = name.empty() ? next_++ : static_cast<size_t>(read_integer(name).value_or(0));
    if (at >= given_.positional.size())
      fail("Replacement index {} out of range for positional args tuple", at);
    return given_.positional[at];
  }

  Interpreter& interpreter_;
  Arguments& given_;
  size_t next_ = 0;
  bool automatic_ = false, manual_ = false;
};

}  // namespace

std::string brace_format(Interpreter& interpreter, std::string_view format, Arguments& arguments) {
  return BraceFormat(interpreter, arguments).run(format, 1);
}

}  // namespace cohort::jinja
