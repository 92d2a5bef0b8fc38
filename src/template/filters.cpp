#include "template/filters.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "template/interpreter.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {

const Filter* find_filter(std::string_view name) {
  static const std::map<std::string_view, const Filter*> all = [] {
    std::map<std::string_view, const Filter*> names;
    for (const auto filters : {text_filters(), sequence_filters(), selection_filters(), value_filters()})
      for (const Filter& filter : filters) names.emplace(filter.name, &filter);
    return names;
  }();
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

Value Interpreter::filter(std::string_view name, const Value& input, Arguments& arguments) {
  const Deeper deeper;
  spend(1);
  const Filter* filter = find_filter(name);
  if (!filter) fail("no filter named '{}'", name);
  if (!filter->lazy) return filter->run(*this, input, arguments);
  try {
    return filter->run(*this, input, arguments);
  } catch (const Error& e) {
    return Value::failed_iterator(e.what());
  }
}

bool Interpreter::test(std::string_view name, const Value& subject, Arguments& arguments) {
  spend(1);
  const Test* test = find_test(name);
  if (!test) fail("no test named '{}'", name);
  return test->run(*this, subject, arguments);
}

Value deep_attribute(Interpreter& interpreter, const Value& value, const Value& attribute) {
  if (attribute.is(Kind::none)) return value;
  if (!attribute.is(Kind::string)) return interpreter.item(value, attribute);
  Value found = value;
  std::string_view path = attribute.bytes();
  while (true) {
    const std::string_view part = path.substr(0, path.find('.'));
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    found = interpreter.item(
        found, number ? Value::integer(read_integer(part).value_or(0)) : Value::text(std::string(part)));
    if (part.size() == path.size()) return found;
    path.remove_prefix(part.size() + 1);
  }
}

Value without_case(const Value& value) {
  return value.is(Kind::string) ? Value::text(lower(value.bytes())) : value;
}

}  // namespace cohort::jinja
