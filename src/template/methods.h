// The methods that templates call on strings, lists, tuples, dicts and numbers.
#pragma once

#include <span>
#include <string_view>

#include "template/object.h"

namespace cohort::jinja {

struct Method {
  std::string_view name;
  Value (*run)(Interpreter&, const Value& self, Arguments&);
  bool changes = false;  // the value it is called on
};

const Method* find_method(const Value& object, std::string_view name);
Value bind(const Method& method, const Value& object);

const Method* find_string_method(std::string_view name);
std::span<const Method> string_methods();

// Puts items in order, stably; throws Error where two of them have none. `keys`: what to compare, one each.
void sort_by(std::vector<Value>& items, const std::vector<Value>& keys, bool reverse);

}  // namespace cohort::jinja
