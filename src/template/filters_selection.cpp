// Filters that apply another filter or a test to every item.
#include "base/check.h"
#include "template/filters.h"
#include "template/interpreter.h"
#include "template/text.h"

namespace cohort::jinja {
namespace filters_of_selection {

// The arguments behind the first `skip`.
Arguments rest(const Arguments& given, size_t skip) {
  spend(static_cast<int64_t>(given.positional.size() + given.named.size()));
  Arguments more;
  more.positional.assign(given.positional.begin() + static_cast<std::ptrdiff_t>(skip),
                         given.positional.end());
  more.named = given.named;
  return more;
}

std::string name_of(const Value& value, const char* what) {
  if (!value.is(Kind::string)) fail("expected a {}'s name, found {}", what, type_name(value));
  return value.bytes();
}

Value map(Interpreter& interpreter, const Value& input, Arguments& given) {
  std::vector<Value> out;
  if (!truth(input)) return Value::iterator({});
  const bool by_attribute = given.positional.empty();
  if (by_attribute) {
    const Value* attribute = given.take(0, "attribute");
    if (!attribute) fail("map requires a filter argument");
    const Value otherwise = given.take_or(1, "default", Value());
    given.finish("map");
    for (const Value& item : items_of(input)) {
      Value found = deep_attribute(interpreter, item, *attribute);
      out.push_back(found.is(Kind::undefined) && !otherwise.is(Kind::none) ? otherwise : std::move(found));
    }
    return Value::iterator(std::move(out));
  }
  const std::string filter = name_of(given.positional[0], "filter");
  for (const Value& item : items_of(input)) {
    Arguments more = rest(given, 1);
    out.push_back(interpreter.filter(filter, item, more));
  }
  return Value::iterator(std::move(out));
}

template <bool wanted, bool by_attribute>
Value select(Interpreter& interpreter, const Value& input, Arguments& given) {
  std::vector<Value> out;
  if (!truth(input)) return Value::iterator({});
  const size_t skip = by_attribute ? 1 : 0;
  if (given.positional.size() < skip) fail("missing parameter for attribute name");
  const std::string test = given.positional.size() > skip ? name_of(given.positional[skip], "test") : "";
  for (Value& item : items_of(input)) {
    const Value subject = by_attribute ? deep_attribute(interpreter, item, given.positional[0]) : item;
    bool holds = false;
    if (given.positional.size() > skip) {
      Arguments more = rest(given, skip + 1);
      holds = interpreter.test(test, subject, more);
    } else {
      holds = truth(subject);
    }
    if (holds == wanted) out.push_back(std::move(item));
  }
  return Value::iterator(std::move(out));
}

constexpr Filter kFilters[] = {{"map", map, true},
                               {"select", select<true, false>, true},
                               {"reject", select<false, false>, true},
                               {"selectattr", select<true, true>, true},
                               {"rejectattr", select<false, true>, true}};

}  // namespace filters_of_selection

std::span<const Filter> selection_filters() { return filters_of_selection::kFilters; }

}  // namespace cohort::jinja
