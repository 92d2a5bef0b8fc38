// Values that are no data: functions, bound methods, macros, `loop`. What they answer to is listed by each.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/value.h"

namespace cohort::jinja {

class Interpreter;

// The arguments of a call, taken one after another by those who know their names.
class Arguments {
 public:
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The argument at `position`, or of this name; null where it is not given. Marks it as taken.
  const Value* take(size_t position, std::string_view name);
  // The same; throws Error where it is missing.
  Value need(size_t position, std::string_view name, std::string_view function);
  Value take_or(size_t position, std::string_view name, Value otherwise);
  int64_t integer(size_t position, std::string_view name, int64_t otherwise);
  bool flag(size_t position, std::string_view name, bool otherwise);
  // Throws Error where something was given that nobody took.
  void finish(std::string_view function);

 private:
  size_t taken_ = 0;  // positional arguments below this one
  std::vector<std::string> taken_names_;
};

class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual std::string repr() const;
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, Arguments& arguments);
  virtual std::optional<Value> attribute(std::string_view name) { return std::nullopt; }
  virtual bool iterable() const { return false; }
  virtual std::vector<Value> items() { return {}; }
  virtual std::optional<int64_t> length() { return std::nullopt; }

 private:
  Footprint footprint_{128};
};

using Native = std::function<Value(Interpreter&, Arguments&)>;

// A function or a method bound to its value.
class Function : public Object {
 public:
  Function(std::string name, Native native) : name_(std::move(name)), native_(std::move(native)) {}
  std::string type_name() const override { return "builtin_function_or_method"; }
  std::string repr() const override { return "<function " + name_ + ">"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override {
    return native_(interpreter, arguments);
  }

 private:
  std::string name_;
  Native native_;
};

Value function(std::string name, Native native);

}  // namespace cohort::jinja
