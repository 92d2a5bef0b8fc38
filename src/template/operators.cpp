#include "template/operators.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "template/format.h"
#include "template/search.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

[[noreturn]] void unsupported(const char* op, const Value& a, const Value& b) {
  fail("unsupported operand type(s) for {}: '{}' and '{}'", op, type_name(a), type_name(b));
}

[[noreturn]] void too_large() { fail("an integer beyond 64 bits"); }

const char* symbol(Op op) {
  static constexpr const char* symbols[] = {
      "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  return symbols[static_cast<size_t>(op)];
}

// Divided towards minus infinity, and what is left.
std::pair<int64_t, int64_t> floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail("integer division or modulo by zero");
  if (b == -1) {
    if (a == std::numeric_limits<int64_t>::min()) too_large();
    return {-a, 0};
  }
  int64_t quotient = a / b, rest = a % b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    --quotient;
    rest += b;
  }
  return {quotient, rest};
}

std::pair<double, double> floor_divide(double a, double b) {
  if (b == 0) fail("float floor division by zero");
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      quotient -= 1;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  double whole = quotient == 0 ? std::copysign(0.0, a / b) : std::floor(quotient);
  if (quotient != 0 && quotient - whole > 0.5) whole += 1;
  return {whole, rest};
}

Value integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) too_large();
    exponent >>= 1;
    if (exponent == 0) return Value::integer(result);
    if (__builtin_mul_overflow(base, base, &base)) too_large();
  }
}

Value numbers(Op op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    const int64_t x = a.as_integer(), y = b.as_integer();
    int64_t result = 0;
    switch (op) {
      case Op::add:
        if (__builtin_add_overflow(x, y, &result)) too_large();
        return Value::integer(result);
      case Op::sub:
        if (__builtin_sub_overflow(x, y, &result)) too_large();
        return Value::integer(result);
      case Op::mul:
        if (__builtin_mul_overflow(x, y, &result)) too_large();
        return Value::integer(result);
      case Op::div:
        if (y == 0) fail("division by zero");
        return Value::real(static_cast<double>(x) / static_cast<double>(y));
      case Op::floor_div:
        return Value::integer(floor_divide(x, y).first);
      case Op::mod:
        return Value::integer(floor_divide(x, y).second);
      default:
        break;
    }
    if (y >= 0)
      return x == 0 || x == 1 || x == -1 ? Value::integer(y == 0                  ? 1
                                                          : x == -1 && y % 2 == 0 ? 1
                                                                                  : x)
                                         : integer_power(x, y);
  }
  const double x = a.as_real(), y = b.as_real();
  switch (op) {
    case Op::add:
      return Value::real(x + y);
    case Op::sub:
      return Value::real(x - y);
    case Op::mul:
      return Value::real(x * y);
    case Op::div:
      if (y == 0) fail("float division by zero");
      return Value::real(x / y);
    case Op::floor_div:
      return Value::real(floor_divide(x, y).first);
    case Op::mod:
      if (y == 0) fail("float modulo by zero");
      return Value::real(floor_divide(x, y).second);
    default:
      break;
  }
  if (x == 0 && y < 0) fail("0.0 cannot be raised to a negative power");
  if (x < 0 && y != std::floor(y)) fail("a power that is a complex number");
  const double power = std::pow(x, y);  // text of a prompt, as Python's own pow writes it
  if (std::isinf(power) && std::isfinite(x) && std::isfinite(y)) fail("a power beyond the range of floats");
  return Value::real(power);
}

Value repeated(const Value& what, int64_t times) {
  times = std::max<int64_t>(times, 0);
  if (what.is(Kind::string)) {
    const std::string& text = what.bytes();
    if (text.empty()) return what;
    check_output(static_cast<uint64_t>(times) > (1ull << 40) ? ~0ull
                                                             : text.size() * static_cast<uint64_t>(times));
    const Footprint working(text.size() * static_cast<uint64_t>(times));
    std::string out;
    out.reserve(text.size() * static_cast<size_t>(times));
    for (int64_t i = 0; i < times; ++i) out += text;
    return Value::text(std::move(out), what.as_text().safe);
  }
  const std::vector<Value>& items = what.items();
  if (items.empty()) return what.is(Kind::list) ? Value::list({}) : Value::tuple({});
  const auto size = static_cast<int64_t>(items.size());
  if (times > (int64_t{1} << 40) / size) fail("a list of {} times {} items", times, size);
  spend(times * size);
  std::vector<Value> out;
  for (int64_t i = 0; i < times; ++i) out.insert(out.end(), items.begin(), items.end());
  return what.is(Kind::list) ? Value::list(std::move(out)) : Value::tuple(std::move(out));
}

Value added(const Value& a, const Value& b) {
  if (a.is(Kind::string) && b.is(Kind::string)) {
    const bool safe = a.as_text().safe || b.as_text().safe;
    if (safe) return Value::text(escaped(a).bytes() + escaped(b).bytes(), true);
    check_output(a.bytes().size() + b.bytes().size());
    return Value::text(a.bytes() + b.bytes());
  }
  if (a.kind() == b.kind() && (a.is(Kind::list) || a.is(Kind::tuple))) {
    std::vector<Value> all = a.items();
    all.insert(all.end(), b.items().begin(), b.items().end());
    return a.is(Kind::list) ? Value::list(std::move(all)) : Value::tuple(std::move(all));
  }
  if (a.is(Kind::string) || a.is(Kind::list) || a.is(Kind::tuple))
    fail("can only concatenate {} (not \"{}\") to {}", type_name(a), type_name(b), type_name(a));
  unsupported("+", a, b);
}

}  // namespace

Value arithmetic(Interpreter& interpreter, Op op, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return numbers(op, a, b);
  for (const Value* side : {&a, &b})
    if (side->is(Kind::undefined) && !(op == Op::mod && a.is(Kind::string))) fail("{}", side->why());
  if (op == Op::add) return added(a, b);
  if (op == Op::mod && a.is(Kind::string))
    return Value::text(percent_format(interpreter, a.bytes(), b), a.as_text().safe);
  const auto sequence = [](const Value& v) {
    return v.is(Kind::string) || v.is(Kind::list) || v.is(Kind::tuple);
  };
  if (op == Op::mul && sequence(a) && b.is_integral()) return repeated(a, b.as_integer());
  if (op == Op::mul && sequence(b) && a.is_integral()) return repeated(b, a.as_integer());
  unsupported(symbol(op), a, b);
}

Value negative(const Value& value) {
  if (value.is(Kind::undefined)) fail("{}", value.why());
  if (value.is(Kind::real)) return Value::real(-value.as_real());
  if (!value.is_integral()) fail("bad operand type for unary -: '{}'", type_name(value));
  if (value.as_integer() == std::numeric_limits<int64_t>::min()) too_large();
  return Value::integer(-value.as_integer());
}

Value positive(const Value& value) {
  if (value.is(Kind::undefined)) fail("{}", value.why());
  if (value.is(Kind::real)) return value;
  if (!value.is_integral()) fail("bad operand type for unary +: '{}'", type_name(value));
  return Value::integer(value.as_integer());
}

bool contains(const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::string:
      if (!item.is(Kind::string))
        fail("'in <string>' requires string as left operand, not {}", type_name(item));
      return find_text(container.bytes(), item.bytes()) != std::string::npos;
    case Kind::dict:
      return container.entries().find(item) != nullptr;
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
      fail("argument of type '{}' is not iterable", type_name(container));
    default:
      break;
  }
  const std::vector<Value> items = items_of(container);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& one) { return one.same(item) || equal(one, item); });
}

bool compare(Op op, const Value& a, const Value& b) {
  switch (op) {
    case Op::eq:
      return equal(a, b);
    case Op::ne:
      return !equal(a, b);
    case Op::lt:
      return less(a, b, "<");
    case Op::gt:
      return less(b, a, ">");
    case Op::le:
    case Op::ge: {
      const Value &low = op == Op::le ? a : b, &high = op == Op::le ? b : a;
      const bool below = less(low, high, symbol(op));  // first: it refuses what has no order
      return below || equal(low, high);
    }
    case Op::in:
      return contains(b, a);
    default:
      return !contains(b, a);
  }
}

Value slice_of(const Value& object, std::optional<int64_t> from, std::optional<int64_t> to,
               std::optional<int64_t> by) {
  const bool text = object.is(Kind::string);
  if (!text && !object.is(Kind::list) && !object.is(Kind::tuple) && !object.is(Kind::range))
    fail("'{}' object has no slices", type_name(object));
  const int64_t step = by.value_or(1), n = length_of(object);
  if (step == 0) fail("slice step cannot be zero");
  if (step == std::numeric_limits<int64_t>::min()) fail("an integer beyond 64 bits");
  const auto clamp = [&](std::optional<int64_t> index, int64_t otherwise) {
    if (!index) return otherwise;
    const int64_t i = *index < 0 ? *index + n : *index;
    return step > 0 ? std::clamp<int64_t>(i, 0, n) : std::clamp<int64_t>(i, -1, n - 1);
  };
  const Range range{clamp(from, step > 0 ? 0 : n - 1), clamp(to, step > 0 ? n : -1), step};
  const int64_t count = range.size();
  if (!text) spend(count);
  if (object.is(Kind::range)) {
    const Range& r = object.as_range();
    const auto at = [&](int64_t i) {
      int64_t value = 0;
      if (__builtin_mul_overflow(i, r.step, &value) || __builtin_add_overflow(value, r.start, &value))
        too_large();
      return value;
    };
    int64_t stride = 0;
    if (__builtin_mul_overflow(r.step, step, &stride)) too_large();
    return Value::range({at(range.start), at(range.stop), stride});
  }
  if (text && step == 1) {
    const size_t begin = byte_of(object.as_text(), range.start);
    const size_t end = byte_of(object.as_text(), range.start + count);
    return Value::text(object.bytes().substr(begin, end - begin), object.as_text().safe);
  }
  if (text) {
    const std::u32string all = decode(object.bytes());
    std::u32string out;
    for (int64_t i = 0; i < count; ++i) out += all[static_cast<size_t>(range.start + i * step)];
    return Value::text(encode(out), object.as_text().safe);
  }
  std::vector<Value> out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(object.items()[static_cast<size_t>(range.start + i * step)]);
  return object.is(Kind::list) ? Value::list(std::move(out)) : Value::tuple(std::move(out));
}

Value escaped(const Value& value) {
  if (value.is(Kind::string) && value.as_text().safe) return value;
  std::string out;
  for (const char c : str(value)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return Value::text(std::move(out), true);
}

}  // namespace cohort::jinja
