// Tests: value is name(arguments).
#include <algorithm>
#include <map>

#include "base/check.h"
#include "template/filters.h"
#include "template/interpreter.h"
#include "template/operators.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace tests_of_values {

template <Kind kind>
bool is_kind(Interpreter&, const Value& v, Arguments& given) {
  given.finish("the test");
  return v.is(kind);
}
bool defined(Interpreter&, const Value& v, Arguments&) { return !v.is(Kind::undefined); }
bool number(Interpreter&, const Value& v, Arguments&) { return v.is_number(); }
bool is_true(Interpreter&, const Value& v, Arguments&) { return v.is(Kind::boolean) && v.as_bool(); }
bool is_false(Interpreter&, const Value& v, Arguments&) { return v.is(Kind::boolean) && !v.as_bool(); }
bool iterable(Interpreter&, const Value& v, Arguments&) { return is_iterable(v); }
bool sequence(Interpreter&, const Value& v, Arguments&) {  // has a length and an index
  return v.is(Kind::string) || v.is(Kind::list) || v.is(Kind::tuple) || v.is(Kind::dict) ||
         v.is(Kind::range) || v.is(Kind::undefined);
}
bool callable(Interpreter&, const Value& v, Arguments&) {
  return v.is(Kind::undefined) || (v.is(Kind::object) && v.as_object().callable());
}
bool is_lower_text(Interpreter& interpreter, const Value& v, Arguments&) {
  const std::u32string text = decode(str(v));
  return std::any_of(text.begin(), text.end(), is_lower) &&
         std::none_of(text.begin(), text.end(), [](char32_t c) { return is_upper(c) || is_title(c); });
}
bool is_upper_text(Interpreter&, const Value& v, Arguments&) {
  const std::u32string text = decode(str(v));
  return std::any_of(text.begin(), text.end(), is_upper) &&
         std::none_of(text.begin(), text.end(), [](char32_t c) { return is_lower(c) || is_title(c); });
}

bool divisible(Interpreter& interpreter, const Value& v, const Value& by) {
  const Value rest = arithmetic(interpreter, Op::mod, v, by);
  return equal(rest, Value::integer(0));
}
bool divisibleby(Interpreter& interpreter, const Value& v, Arguments& given) {
  return divisible(interpreter, v, given.need(0, "num", "divisibleby"));
}
bool even(Interpreter& interpreter, const Value& v, Arguments&) {
  return divisible(interpreter, v, Value::integer(2));
}
bool odd(Interpreter& interpreter, const Value& v, Arguments&) {
  return equal(arithmetic(interpreter, Op::mod, v, Value::integer(2)), Value::integer(1));
}

template <Op op>
bool compares(Interpreter&, const Value& v, Arguments& given) {
  const Value other = given.need(0, "other", "the test");
  given.finish("the test");
  return op == Op::in ? contains(other, v) : compare(op, v, other);
}
bool sameas(Interpreter&, const Value& v, Arguments& given) {
  return v.same(given.need(0, "other", "sameas"));
}
bool is_escaped(Interpreter&, const Value& v, Arguments&) { return v.is(Kind::string) && v.as_text().safe; }
bool names_filter(Interpreter&, const Value& v, Arguments&) {
  return v.is(Kind::string) && find_filter(v.bytes());
}
bool names_test(Interpreter&, const Value& v, Arguments&) {
  return v.is(Kind::string) && find_test(v.bytes());
}

constexpr Test kTests[] = {{"defined", defined},
                           {"undefined", is_kind<Kind::undefined>},
                           {"none", is_kind<Kind::none>},
                           {"boolean", is_kind<Kind::boolean>},
                           {"integer", is_kind<Kind::integer>},
                           {"float", is_kind<Kind::real>},
                           {"string", is_kind<Kind::string>},
                           {"mapping", is_kind<Kind::dict>},
                           {"number", number},
                           {"true", is_true},
                           {"false", is_false},
                           {"iterable", iterable},
                           {"sequence", sequence},
                           {"callable", callable},
                           {"lower", is_lower_text},
                           {"upper", is_upper_text},
                           {"even", even},
                           {"odd", odd},
                           {"divisibleby", divisibleby},
                           {"in", compares<Op::in>},
                           {"==", compares<Op::eq>},
                           {"eq", compares<Op::eq>},
                           {"equalto", compares<Op::eq>},
                           {"!=", compares<Op::ne>},
                           {"ne", compares<Op::ne>},
                           {">", compares<Op::gt>},
                           {"gt", compares<Op::gt>},
                           {"greaterthan", compares<Op::gt>},
                           {">=", compares<Op::ge>},
                           {"ge", compares<Op::ge>},
                           {"<", compares<Op::lt>},
                           {"lt", compares<Op::lt>},
                           {"lessthan", compares<Op::lt>},
                           {"<=", compares<Op::le>},
                           {"le", compares<Op::le>},
                           {"sameas", sameas},
                           {"escaped", is_escaped},
                           {"filter", names_filter},
                           {"test", names_test}};

}  // namespace tests_of_values

std::span<const Test> tests() { return tests_of_values::kTests; }

const Test* find_test(std::string_view name) {
  for (const Test& test : tests_of_values::kTests)
    if (test.name == name) return &test;
  return nullptr;
}

}  // namespace cohort::jinja
