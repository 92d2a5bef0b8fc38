#include "template/object.h"

#include <algorithm>

#include "base/check.h"

namespace cohort::jinja {

std::string Object::repr() const { return "<" + type_name() + ">"; }

Value Object::call(Interpreter&, Arguments&) { fail("'{}' object is not callable", type_name()); }

Value function(std::string name, Native native) {
  return Value::object(std::make_shared<Function>(std::move(name), std::move(native)));
}

const Value* Arguments::take(size_t position, std::string_view name) {
  taken_ = std::max(taken_, position + 1);
  taken_names_.emplace_back(name);
  if (position < positional.size()) return &positional[position];
  for (const auto& [key, value] : named)
    if (key == name) return &value;
  return nullptr;
}

Value Arguments::need(size_t position, std::string_view name, std::string_view function) {
  if (const Value* value = take(position, name)) return *value;
  fail("{}: missing argument '{}'", function, name);
}

Value Arguments::take_or(size_t position, std::string_view name, Value otherwise) {
  const Value* value = take(position, name);
  return value ? *value : otherwise;
}

int64_t Arguments::integer(size_t position, std::string_view name, int64_t otherwise) {
  const Value* value = take(position, name);
  if (!value) return otherwise;
  if (!value->is_integral()) fail("'{}' must be an integer, not {}", name, jinja::type_name(*value));
  return value->as_integer();
}

bool Arguments::flag(size_t position, std::string_view name, bool otherwise) {
  const Value* value = take(position, name);
  return value ? truth(*value) : otherwise;
}

void Arguments::finish(std::string_view function) {
  if (positional.size() > taken_)
    fail("{} takes at most {} arguments, {} given", function, taken_, positional.size());
  for (const auto& [name, value] : named) {
    if (std::find(taken_names_.begin(), taken_names_.end(), name) == taken_names_.end())
      fail("{} got an unexpected keyword argument '{}'", function, name);
  }
}

}  // namespace cohort::jinja
