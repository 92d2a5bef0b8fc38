#include "template/methods.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "template/interpreter.h"
#include "template/text.h"

namespace cohort::jinja {
namespace methods_of_objects {

size_t place(const Value& self, int64_t index, const char* what) {
  const auto n = static_cast<int64_t>(self.items().size());
  const int64_t i = index < 0 ? index + n : index;
  if (i < 0 || i >= n) fail("{} index out of range", what);
  return static_cast<size_t>(i);
}

void grow(const Value& list, size_t items) {
  spend(1 + static_cast<int64_t>(items));
  list.sequence().footprint.grow(items * sizeof(Value));
}

Value list_append(Interpreter& interpreter, const Value& self, Arguments& given) {
  Value item = given.need(0, "object", "append");
  given.finish("append");
  grow(self, 1);
  self.sequence().items.push_back(std::move(item));
  return Value();
}
Value list_extend(Interpreter&, const Value& self, Arguments& given) {
  std::vector<Value> items = items_of(given.need(0, "iterable", "extend"));
  grow(self, items.size());
  for (Value& item : items) self.sequence().items.push_back(std::move(item));
  return Value();
}
Value list_insert(Interpreter&, const Value& self, Arguments& given) {
  const auto n = static_cast<int64_t>(self.items().size());
  int64_t at = given.integer(0, "index", 0);
  if (at < 0) at = std::max<int64_t>(at + n, 0);
  grow(self, 1);
  spend(n);
  std::vector<Value>& items = self.sequence().items;
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(std::min(at, n)),
               given.need(1, "object", "insert"));
  return Value();
}
Value list_pop(Interpreter&, const Value& self, Arguments& given) {
  std::vector<Value>& items = self.sequence().items;
  if (items.empty()) fail("pop from empty list");
  spend(static_cast<int64_t>(items.size()));
  const size_t at = place(self, given.integer(0, "index", -1), "pop");
  Value item = items[at];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  return item;
}
size_t position(const Value& self, const Value& item, const char* method) {
  const std::vector<Value> items = items_of(self);
  for (size_t i = 0; i < items.size(); ++i)
    if (items[i].same(item) || equal(items[i], item)) return i;
  fail("{}: {} is not in the {}", method, repr(item), type_name(self));
}
Value list_remove(Interpreter&, const Value& self, Arguments& given) {
  const size_t at = position(self, given.need(0, "value", "remove"), "remove");
  std::vector<Value>& items = self.sequence().items;
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  return Value();
}
Value list_clear(Interpreter&, const Value& self, Arguments&) {
  self.sequence().items.clear();
  return Value();
}
Value list_reverse(Interpreter&, const Value& self, Arguments&) {
  spend(static_cast<int64_t>(self.items().size()));
  std::reverse(self.sequence().items.begin(), self.sequence().items.end());
  return Value();
}
Value list_sort(Interpreter& interpreter, const Value& self, Arguments& given) {
  const Value key = given.take_or(9, "key", Value());
  const bool reverse = given.flag(9, "reverse", false);
  std::vector<Value> items = self.items(), keys;
  for (const Value& item : items) {
    Arguments one;
    one.positional.push_back(item);
    keys.push_back(key.is(Kind::none) ? item : interpreter.call(key, one));
  }
  sort_by(items, keys, reverse);
  self.sequence().items = std::move(items);
  return Value();
}
Value list_copy(Interpreter&, const Value& self, Arguments&) { return Value::list(self.items()); }
Value sequence_count(Interpreter&, const Value& self, Arguments& given) {
  const Value item = given.need(0, "value", "count");
  given.finish("count");
  const std::vector<Value> items = items_of(self);
  return Value::integer(std::count_if(items.begin(), items.end(),
                                      [&](const Value& one) { return one.same(item) || equal(one, item); }));
}
Value sequence_index(Interpreter&, const Value& self, Arguments& given) {
  return Value::integer(static_cast<int64_t>(position(self, given.need(0, "value", "index"), "index")));
}

Value dict_get(Interpreter&, const Value& self, Arguments& given) {
  const Value key = given.need(0, "key", "get"), otherwise = given.take_or(1, "default", Value());
  given.finish("get");
  const Value* value = self.entries().find(key);
  return value ? *value : otherwise;
}
Value dict_items(Interpreter&, const Value& self, Arguments& given) {
  given.finish("items");
  return Value::view(self, Value::Part::items);
}
Value dict_keys(Interpreter&, const Value& self, Arguments& given) {
  given.finish("keys");
  return Value::view(self, Value::Part::keys);
}
Value dict_values(Interpreter&, const Value& self, Arguments& given) {
  given.finish("values");
  return Value::view(self, Value::Part::values);
}
Value dict_copy(Interpreter&, const Value& self, Arguments&) { return Value::dict(self.entries()); }
Value dict_pop(Interpreter&, const Value& self, Arguments& given) {
  const Value key = given.need(0, "key", "pop");
  const Value* otherwise = given.take(1, "default");
  const Value* held = self.entries().find(key);
  if (!held && !otherwise) fail("pop: the dict has no key {}", repr(key));
  Value value = held ? *held : *otherwise;
  spend(static_cast<int64_t>(self.entries().size()));
  if (held) self.mutable_entries().erase(key);
  return value;
}
Value dict_popitem(Interpreter&, const Value& self, Arguments&) {
  if (self.entries().size() == 0) fail("popitem(): dictionary is empty");
  const auto [key, value] = self.entries().items().back();
  spend(static_cast<int64_t>(self.entries().size()));
  self.mutable_entries().erase(key);
  return Value::tuple({key, value});
}
Value dict_clear(Interpreter&, const Value& self, Arguments&) {
  self.mutable_entries() = Dict();
  return Value();
}
Value dict_update(Interpreter&, const Value& self, Arguments& given) {
  if (!given.positional.empty()) {
    const Value& from = given.positional[0];
    if (!from.is(Kind::dict)) fail("update: expected a dict, found {}", type_name(from));
    const Dict more = from.entries();
    for (const auto& [key, value] : more.items()) self.mutable_entries().set(key, value);
  }
  for (const auto& [name, value] : given.named) self.mutable_entries().set(Value::text(name), value);
  return Value();
}
Value dict_setdefault(Interpreter&, const Value& self, Arguments& given) {
  const Value key = given.need(0, "key", "setdefault");
  if (const Value* value = self.entries().find(key)) return *value;
  const Value value = given.take_or(1, "default", Value());
  self.mutable_entries().set(key, value);
  return value;
}

Value is_integer(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is_integral() || self.as_real() == std::floor(self.as_real()));
}

constexpr Method kList[] = {
    {"append", list_append, true},   {"clear", list_clear, true},   {"copy", list_copy},
    {"count", sequence_count},       {"extend", list_extend, true}, {"index", sequence_index},
    {"insert", list_insert, true},   {"pop", list_pop, true},       {"remove", list_remove, true},
    {"reverse", list_reverse, true}, {"sort", list_sort, true}};
constexpr Method kTuple[] = {{"count", sequence_count}, {"index", sequence_index}};
constexpr Method kDict[] = {{"clear", dict_clear, true},
                            {"copy", dict_copy},
                            {"get", dict_get},
                            {"items", dict_items},
                            {"keys", dict_keys},
                            {"pop", dict_pop, true},
                            {"popitem", dict_popitem, true},
                            {"setdefault", dict_setdefault, true},
                            {"update", dict_update, true},
                            {"values", dict_values}};
constexpr Method kReal[] = {{"is_integer", is_integer}};

template <size_t N>
const Method* among(const Method (&methods)[N], std::string_view name) {
  for (const Method& method : methods)
    if (method.name == name) return &method;
  return nullptr;
}

}  // namespace methods_of_objects

const Method* find_method(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::string:
      return find_string_method(name);
    case Kind::list:
      return methods_of_objects::among(methods_of_objects::kList, name);
    case Kind::tuple:
    case Kind::range:
      return methods_of_objects::among(methods_of_objects::kTuple, name);
    case Kind::dict:
      return methods_of_objects::among(methods_of_objects::kDict, name);
    case Kind::real:
      return methods_of_objects::among(methods_of_objects::kReal, name);
    default:
      return nullptr;
  }
}

Value bind(const Method& method, const Value& object) {
  return function(std::string(method.name), [&method, object](Interpreter& interpreter, Arguments& given) {
    return method.run(interpreter, object, given);
  });
}

void sort_by(std::vector<Value>& items, const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), 0);
  // Equal items keep their order, in reverse as well.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return reverse ? less(keys[b], keys[a]) : less(keys[a], keys[b]);
  });
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const size_t i : order) sorted.push_back(items[i]);
  items = std::move(sorted);
}

}  // namespace cohort::jinja
