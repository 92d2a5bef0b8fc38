// Expressions.
#include <unordered_set>

#include "base/check.h"
#include "template/functions.h"
#include "template/interpreter.h"
#include "template/methods.h"
#include "template/operators.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {

const Value* Scope::find(std::string_view name) const {
  for (const auto& [key, value] : names)
    if (key == name) return &value;
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  spend_bytes(names.size() + name.size());
  for (auto& [key, held] : names) {
    if (key != name) continue;
    held = std::move(value);
    return;
  }
  footprint.grow(64 + name.size());
  names.emplace_back(name, std::move(value));
}

Value Interpreter::name(std::string_view name) const {
  uint64_t looked_over = name.size();
  const Value* value = nullptr;
  for (const Scope* scope = scope_.get(); scope && !value; scope = scope->parent.get()) {
    looked_over += 1 + scope->names.size();
    value = scope->find(name);
  }
  spend_bytes(looked_over);
  if (value) return *value;
  if (const Value* given = context_.find(name)) return *given;
  if (const Value* known = global(name)) return *known;
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Value Interpreter::evaluate(const Expr& expr) {
  const Deeper deeper;
  spend(1);
  line_ = expr.line;
  const auto child = [&](size_t i) { return evaluate(*expr.children[i]); };
  switch (expr.kind) {
    case ExprKind::constant:
      return expr.value;
    case ExprKind::name:
      return name(expr.text);
    case ExprKind::attribute:
      return attribute(child(0), expr.text);
    case ExprKind::item: {
      const Value object = child(0);
      const Expr& index = *expr.children[1];
      return index.kind == ExprKind::slice ? sliced(object, index) : item(object, evaluate(index));
    }
    case ExprKind::slice:
      fail("a slice among several indices");
    case ExprKind::call:
      return call_expression(expr, nullptr);
    case ExprKind::filter: {
      const Value input = child(0);
      Arguments given = arguments(expr.arguments);
      line_ = expr.line;
      return filter(expr.text, input, given);
    }
    case ExprKind::test: {
      const Value subject = child(0);
      Arguments given = arguments(expr.arguments);
      line_ = expr.line;
      return Value::boolean(test(expr.text, subject, given));
    }
    case ExprKind::unary_minus:
      return negative(child(0));
    case ExprKind::unary_plus:
      return positive(child(0));
    case ExprKind::logical_not:
      return Value::boolean(!truth(child(0)));
    case ExprKind::logical_and: {
      Value left = child(0);
      return truth(left) ? child(1) : left;
    }
    case ExprKind::logical_or: {
      Value left = child(0);
      return truth(left) ? left : child(1);
    }
    case ExprKind::binary: {
      const Value left = child(0), right = child(1);
      line_ = expr.line;
      return arithmetic(*this, expr.op, left, right);
    }
    case ExprKind::comparison:
      return comparison(expr);
    case ExprKind::concatenation: {
      std::string text;
      for (const ExprPtr& part : expr.children) {
        append(text, evaluate(*part));
      }
      return Value::text(std::move(text));
    }
    case ExprKind::conditional:
      if (truth(child(1))) return child(0);
      if (expr.children.size() > 2) return child(2);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
    case ExprKind::list:
    case ExprKind::tuple: {
      std::vector<Value> items;
      items.reserve(expr.children.size());
      for (const ExprPtr& item : expr.children) items.push_back(evaluate(*item));
      return expr.kind == ExprKind::list ? Value::list(std::move(items)) : Value::tuple(std::move(items));
    }
    case ExprKind::dict: {
      Dict dict;
      for (size_t i = 0; i < expr.children.size(); i += 2) {
        Value key = child(i);
        dict.set(std::move(key), child(i + 1));
      }
      return Value::dict(std::move(dict));
    }
  }
  return Value();
}

Value Interpreter::comparison(const Expr& expr) {
  Value left = evaluate(*expr.children[0]);
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Value right = evaluate(*expr.children[i + 1]);
    line_ = expr.line;
    if (!compare(expr.ops[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Arguments Interpreter::arguments(const CallArguments& given) {
  Arguments arguments;
  for (const ExprPtr& expr : given.positional) arguments.positional.push_back(evaluate(*expr));
  if (given.star)
    for (Value& value : items_of(evaluate(*given.star))) arguments.positional.push_back(std::move(value));
  for (const auto& [name, expr] : given.named) {
    spend_bytes(name.size());
    arguments.named.emplace_back(name, evaluate(*expr));
  }
  if (given.double_star) {
    const Value more = evaluate(*given.double_star);
    if (!more.is(Kind::dict)) fail("argument after ** must be a mapping, not {}", type_name(more));
    for (const auto& [key, value] : more.entries().items()) {
      if (!key.is(Kind::string)) fail("keywords must be strings");
      spend(steps_for_bytes(key.bytes().size()));
      arguments.named.emplace_back(key.bytes(), value);
    }
  }
  std::unordered_set<std::string_view> names;
  for (const auto& [name, value] : arguments.named)
    if (!names.insert(name).second) fail("got multiple values for keyword argument '{}'", name);
  return arguments;
}

Value Interpreter::call_expression(const Expr& expr, const Value* caller) {
  const Value callee = evaluate(*expr.children[0]);
  Arguments given = arguments(expr.arguments);
  if (caller) given.named.emplace_back("caller", *caller);
  line_ = expr.line;
  return call(callee, given);
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  const Deeper deeper;
  if (callee.is(Kind::undefined)) fail("{}", callee.why());
  if (!callee.is(Kind::object)) fail("'{}' object is not callable", type_name(callee));
  return callee.as_object().call(*this, arguments);
}

namespace {

std::string object_name(const Value& object) {
  return object.is(Kind::none) ? "None" : type_name(object) + " object";
}

}  // namespace

std::optional<Value> Interpreter::own_attribute(const Value& object, std::string_view name) {
  if (object.is(Kind::object)) {
    if (auto value = object.as_object().attribute(name)) return value;
  } else if (object.is(Kind::name_space)) {
    if (const Value* value = object.entries().find(name)) return *value;
  } else if (const Method* method = find_method(object, name)) {
    if (method->changes && !settings_.changeable)
      return Value::undefined(
          fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
    return bind(*method, object);
  }
  return std::nullopt;
}

Value Interpreter::attribute(const Value& object, std::string_view name) {
  if (object.is(Kind::undefined)) fail("{}", object.why());
  if (const auto value = own_attribute(object, name)) return *value;
  if (object.is(Kind::dict))
    if (const Value* value = object.entries().find(name)) return *value;
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), name));
}

Value Interpreter::item(const Value& object, const Value& index) {
  if (object.is(Kind::undefined)) fail("{}", object.why());
  const bool sequence =
      object.is(Kind::string) || object.is(Kind::list) || object.is(Kind::tuple) || object.is(Kind::range);
  if (sequence && index.is_integral()) {
    const int64_t n = length_of(object);
    int64_t i = index.as_integer();
    if (i < 0) i += n;
    if (i >= 0 && i < n) {
      if (object.is(Kind::range)) return Value::integer(object.as_range().start + i * object.as_range().step);
      if (!object.is(Kind::string)) return object.items()[static_cast<size_t>(i)];
      const size_t begin = byte_of(object.as_text(), i), end = byte_of(object.as_text(), i + 1);
      return Value::text(object.bytes().substr(begin, end - begin), object.as_text().safe);
    }
  } else if (object.is(Kind::dict) && !index.is(Kind::list) && !index.is(Kind::dict)) {
    if (const Value* value = object.entries().find(index)) return *value;
  }
  if (index.is(Kind::string)) {
    if (const auto value = own_attribute(object, index.bytes())) return *value;
    return Value::undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), index.bytes()));
  }
  return Value::undefined(fmt::format("{} has no element {}", object_name(object), repr(index)));
}

Value Interpreter::sliced(const Value& object, const Expr& slice) {
  std::optional<int64_t> parts[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!slice.children[i]) continue;
    const Value part = evaluate(*slice.children[i]);
    if (part.is(Kind::none)) continue;
    if (!part.is_integral()) fail("slice indices must be integers or None, not {}", type_name(part));
    parts[i] = part.as_integer();
  }
  if (object.is(Kind::undefined)) fail("{}", object.why());
  return slice_of(object, parts[0], parts[1], parts[2]);
}

Value Interpreter::make_namespace(Dict entries) {
  namespaces_.push_back(Value::name_space(std::move(entries)));
  return namespaces_.back();
}

}  // namespace cohort::jinja
