#include "template/macro.h"

#include <algorithm>

#include "base/check.h"

namespace cohort::jinja {

Value Macro::call(Interpreter& interpreter, Arguments& given) {
  const std::vector<std::string>& names = stmt_.signature.names;
  const auto scope = std::make_shared<Scope>(scope_);
  auto named = given.named;
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    spend(static_cast<int64_t>(named.size()));
    const auto found =
        std::find_if(named.begin(), named.end(), [&](const auto& n) { return n.first == name; });
    if (found == named.end()) return std::nullopt;
    Value value = std::move(found->second);
    named.erase(found);
    return value;
  };
  std::vector<size_t> missing;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i < given.positional.size())
      scope->set(names[i], given.positional[i]);
    else if (auto value = take(names[i]))
      scope->set(names[i], *value);
    else
      missing.push_back(i);
  }
  if (stmt_.takes_caller && std::find(names.begin(), names.end(), "caller") == names.end())
    scope->set("caller", take("caller").value_or(Value::undefined("No caller defined")));
  if (stmt_.catches_kwargs) {
    Dict rest;
    for (auto& [name, value] : named) rest.set(Value::text(name), std::move(value));
    scope->set("kwargs", Value::dict(std::move(rest)));
  } else if (!named.empty()) {
    fail("macro '{}' takes no keyword argument '{}'", name_, named[0].first);
  }
  if (stmt_.catches_varargs) {
    const size_t from = std::min(names.size(), given.positional.size());
    scope->set("varargs", Value::tuple({given.positional.begin() + static_cast<std::ptrdiff_t>(from),
                                        given.positional.end()}));
  } else if (given.positional.size() > names.size()) {
    fail("macro '{}' takes not more than {} argument(s)", name_, names.size());
  }
  // Defaults see the arguments before them.
  const size_t first_default = names.size() - stmt_.signature.defaults.size();
  const ScopePtr outside = std::exchange(interpreter.scope_, scope);
  struct Restore {
    ScopePtr& place;
    const ScopePtr& before;
    ~Restore() { place = before; }
  } restore{interpreter.scope_, outside};
  for (const size_t i : missing)
    scope->set(names[i], i >= first_default
                             ? interpreter.evaluate(*stmt_.signature.defaults[i - first_default])
                             : Value::undefined(fmt::format("parameter '{}' was not provided", names[i])));
  return Value::text(interpreter.capture(stmt_.bodies[0], scope));
}

std::optional<Value> Macro::attribute(std::string_view name) {
  if (name == "name") return Value::text(name_);
  if (name == "arguments") {
    std::vector<Value> names;
    for (const std::string& one : stmt_.signature.names) names.push_back(Value::text(one));
    return Value::tuple(std::move(names));
  }
  return std::nullopt;
}

}  // namespace cohort::jinja
