// {% macro %} and the body of {% call %}.
#pragma once

#include <memory>
#include <string>

#include "template/interpreter.h"

namespace cohort::jinja {

class Macro : public Object {
 public:
  Macro(const Stmt& stmt, std::string name, ScopePtr scope)
      : stmt_(stmt), name_(std::move(name)), scope_(std::move(scope)) {}
  std::string type_name() const override { return "Macro"; }
  std::string repr() const override { return "<Macro '" + name_ + "'>"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  std::optional<Value> attribute(std::string_view name) override;
  void let_go() { scope_.reset(); }

 private:
  const Stmt& stmt_;
  std::string name_;
  ScopePtr scope_;  // where it was defined
};

}  // namespace cohort::jinja
