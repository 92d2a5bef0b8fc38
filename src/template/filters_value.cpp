// Filters on single values: defaults, numbers, JSON.
#include <cmath>

#include "base/check.h"
#include "template/filters.h"
#include "template/interpreter.h"
#include "template/json.h"
#include "template/text.h"

namespace cohort::jinja {
namespace filters_of_values {

Value default_value(Interpreter&, const Value& input, Arguments& given) {
  const Value otherwise = given.take_or(0, "default_value", Value::text(""));
  const bool boolean = given.flag(1, "boolean", false);
  given.finish("default");
  return input.is(Kind::undefined) || (boolean && !truth(input)) ? otherwise : input;
}

// int(value) of a float; none where Python refuses.
std::optional<Value> whole(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (!(std::fabs(value) < 0x1p63)) fail("an integer beyond 64 bits");
  return Value::integer(static_cast<int64_t>(value));
}

Value integer(Interpreter&, const Value& input, Arguments& given) {
  const Value otherwise = given.take_or(0, "default", Value::integer(0));
  const int64_t base = given.integer(1, "base", 10);
  given.finish("int");
  if (input.is(Kind::undefined)) fail("{}", input.why());
  if (input.is(Kind::string)) {
    if (base != 0 && (base < 2 || base > 36)) return otherwise;
    if (const auto read = read_integer(input.bytes(), static_cast<int>(base))) return Value::integer(*read);
    const auto real = read_real(input.bytes());
    return real ? whole(*real).value_or(otherwise) : otherwise;
  }
  if (input.is_integral()) return Value::integer(input.as_integer());
  if (input.is(Kind::real)) return whole(input.as_real()).value_or(otherwise);
  return otherwise;
}

Value real(Interpreter&, const Value& input, Arguments& given) {
  const Value otherwise = given.take_or(0, "default", Value::real(0));
  given.finish("float");
  if (input.is(Kind::undefined)) fail("{}", input.why());
  if (input.is_number()) return Value::real(input.as_real());
  if (!input.is(Kind::string)) return otherwise;
  const auto read = read_real(input.bytes());
  return read ? Value::real(*read) : otherwise;
}

Value absolute(Interpreter&, const Value& input, Arguments&) {
  if (input.is(Kind::undefined)) fail("{}", input.why());
  if (input.is(Kind::real)) return Value::real(std::fabs(input.as_real()));
  if (!input.is_integral()) fail("bad operand type for abs(): '{}'", type_name(input));
  if (input.as_integer() == std::numeric_limits<int64_t>::min()) fail("an integer beyond 64 bits");
  return Value::integer(std::abs(input.as_integer()));
}

Value round(Interpreter&, const Value& input, Arguments& given) {
  const int64_t precision = given.integer(0, "precision", 0);
  const std::string method = str(given.take_or(1, "method", Value::text("common")));
  given.finish("round");
  if (method != "common" && method != "ceil" && method != "floor")
    fail("method must be common, ceil or floor");
  if (input.is(Kind::undefined)) fail("{}", input.why());
  if (!input.is_number()) fail("type {} doesn't define __round__ method", type_name(input));
  if (method == "common") {
    if (input.is(Kind::real)) return Value::real(round_real(input.as_real(), precision));
    if (precision >= 0) return Value::integer(input.as_integer());
    return whole(round_real(input.as_real(), precision)).value_or(Value::integer(0));
  }
  if (precision < -300 || precision > 300) fail("round: a precision of {}", precision);
  double scale = 1;
  for (int64_t i = 0; i < std::abs(precision); ++i) scale *= 10;
  const double scaled = precision < 0 ? input.as_real() / scale : input.as_real() * scale;
  if (!std::isfinite(scaled)) fail("cannot convert {} to an integer", real_text(scaled));
  const double rounded = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value::real((precision < 0 ? rounded * scale : rounded / scale) + 0.0);
}

Value attr(Interpreter& interpreter, const Value& input, Arguments& given) {
  const Value name = given.need(0, "name", "attr");
  given.finish("attr");
  if (!name.is(Kind::string)) fail("attribute name must be string, not '{}'", type_name(name));
  // An attribute alone: an entry of a dict is none.
  if (input.is(Kind::dict) && input.entries().find(name.bytes()))
    return Value::undefined(fmt::format("'dict object' has no attribute '{}'", name.bytes()));
  return interpreter.attribute(input, name.bytes());
}

Value filesizeformat(Interpreter&, const Value& input, Arguments& given) {
  const bool binary = given.flag(0, "binary", false);
  given.finish("filesizeformat");
  const std::optional<double> size = input.is_number()        ? std::optional(input.as_real())
                                     : input.is(Kind::string) ? read_real(input.bytes())
                                                              : std::nullopt;
  if (!size) fail("filesizeformat: expected a number, found {}", repr(input));
  const double base = binary ? 1024 : 1000;
  if (*size == 1) return Value::text("1 Byte");
  if (*size < base)
    return Value::text(fmt::format("{} Bytes", static_cast<int64_t>(std::max(*size, -0x1p62))));
  double unit = base;
  static constexpr std::string_view letters = "kMGTPEZY";
  for (size_t i = 0; i < letters.size(); ++i) {
    unit *= base;
    if (*size < unit || i + 1 == letters.size())
      return Value::text(fmt::format("{} {}{}", fixed(base * *size / unit, 1),
                                     binary && letters[i] == 'k' ? 'K' : letters[i], binary ? "iB" : "B"));
  }
  return Value();
}

Value tojson(Interpreter&, const Value& input, Arguments& given) {
  JsonStyle style;
  style.ascii_only = given.flag(0, "ensure_ascii", false);
  const Value indent = given.take_or(1, "indent", Value());
  const Value separators = given.take_or(2, "separators", Value());
  style.sort_keys = given.flag(3, "sort_keys", false);
  given.finish("tojson");
  if (indent.is(Kind::string)) {
    style.indent = indent.bytes();
  } else if (indent.is_integral()) {
    if (indent.as_integer() > 1000) fail("tojson: an indent of {}", indent.as_integer());
    style.indent = std::string(static_cast<size_t>(std::max<int64_t>(indent.as_integer(), 0)), ' ');
  } else if (!indent.is(Kind::none)) {
    fail("tojson: expected an indent, found {}", type_name(indent));
  }
  if (style.indent) style.item_separator = std::string(1, ',');
  if (!separators.is(Kind::none)) {
    const std::vector<Value> two = items_of(separators);
    if (two.size() != 2 || !two[0].is(Kind::string) || !two[1].is(Kind::string))
      fail("tojson: expected two separators");
    style.item_separator = two[0].bytes();
    style.key_separator = two[1].bytes();
  }
  return Value::text(to_json(input, style));
}

constexpr Filter kFilters[] = {{"default", default_value},
                               {"d", default_value},
                               {"int", integer},
                               {"float", real},
                               {"abs", absolute},
                               {"round", round},
                               {"attr", attr},
                               {"tojson", tojson},
                               {"filesizeformat", filesizeformat}};

}  // namespace filters_of_values

std::span<const Filter> value_filters() { return filters_of_values::kFilters; }

}  // namespace cohort::jinja
