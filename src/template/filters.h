// Filters (value | name(arguments)) and tests (value is name(arguments)), by Jinja2's names.
#pragma once

#include <span>
#include <string_view>

#include "template/object.h"

namespace cohort::jinja {

struct Filter {
  std::string_view name;
  Value (*run)(Interpreter&, const Value& input, Arguments&);
  bool lazy = false;  // gives an iterator, and its errors when that is gone over
};

std::span<const Filter> text_filters();
std::span<const Filter> sequence_filters();
std::span<const Filter> selection_filters();
std::span<const Filter> value_filters();
const Filter* find_filter(std::string_view name);

struct Test {
  std::string_view name;
  bool (*run)(Interpreter&, const Value& subject, Arguments&);
};
const Test* find_test(std::string_view name);
std::span<const Test> tests();

// The value under `attribute` ("a.b.0"); the value itself where that is None.
Value deep_attribute(Interpreter& interpreter, const Value& value, const Value& attribute);
// What text is compared by where case does not matter.
Value without_case(const Value& value);

}  // namespace cohort::jinja
