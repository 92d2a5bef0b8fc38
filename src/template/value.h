// Values of a template: Python's, as far as data can hold them. Copies share what they hold, as names do in
// Python.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "template/limits.h"

namespace cohort::jinja {

enum class Kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  iterator,  // what filters like select give: can be gone over once
  dict,
  view,  // keys(), values() or items() of a dict
  range,
  name_space,
  object  // functions, methods, macros, `loop`, cycler: template/object.h
};

class Value;
class Dict;
class Object;

// Text, with what is asked of it often.
struct Text {
  Text(std::string text, bool is_safe) : footprint(text.size() + 64), bytes(std::move(text)), safe(is_safe) {}
  Footprint footprint;
  std::string bytes;                         // UTF-8
  bool safe;                                 // escaped for HTML already (Markup)
  mutable std::atomic<int64_t> length = -1;  // code points; -1: not counted yet. Threads may share a constant
};

struct Range {
  int64_t start, stop, step;
  int64_t size() const;
};

struct Sequence;
struct Mapping;
struct View;

class Value {
 public:
  Value() = default;  // None
  static Value undefined(std::string why);
  static Value boolean(bool value);
  static Value integer(int64_t value);
  static Value real(double value);
  static Value text(std::string bytes, bool safe = false);
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value iterator(std::vector<Value> items);
  static Value failed_iterator(std::string error);
  static Value dict(Dict items);
  static Value name_space(Dict items);
  static Value range(Range range);
  enum class Part { keys, values, items };
  static Value view(Value dict, Part part);
  static Value object(std::shared_ptr<Object> object);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_number() const { return is(Kind::boolean) || is(Kind::integer) || is(Kind::real); }
  bool is_integral() const { return is(Kind::boolean) || is(Kind::integer); }

  // Each needs its kind.
  bool as_bool() const { return integer_ != 0; }
  int64_t as_integer() const { return integer_; }  // a boolean's too
  double as_real() const { return is(Kind::real) ? real_ : static_cast<double>(integer_); }  // any number's
  const Text& as_text() const { return *static_cast<const Text*>(held_.get()); }
  const std::string& bytes() const { return as_text().bytes; }
  const std::string& why() const { return bytes(); }  // undefined: what is missing
  const std::vector<Value>& items() const;            // list, tuple; iterator: what is left
  Sequence& sequence() const;                         // list, tuple, iterator
  const Dict& entries() const;                        // dict, name_space
  Dict& mutable_entries() const;
  const View& as_view() const;
  const Range& as_range() const { return *static_cast<const Range*>(held_.get()); }
  Object& as_object() const { return *static_cast<Object*>(held_.get()); }

  // The same object (Python's `is`).
  bool same(const Value& other) const;
  const void* address() const { return held_.get(); }

 private:
  Value(Kind kind, std::shared_ptr<void> held) : kind_(kind), held_(std::move(held)) {}

  Kind kind_ = Kind::none;
  union {
    int64_t integer_ = 0;
    double real_;
  };
  std::shared_ptr<void> held_;
};

// A dict: in the order of insertion. Keys are what Python can hash.
class Dict {
 public:
  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;  // throws Error where the key cannot be hashed
  void set(Value key, Value value);
  bool erase(const Value& key);
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  size_t size() const { return items_.size(); }

 private:
  size_t position(const Value& key) const;  // size(): not there

  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string, size_t> index_;  // by key_text; kept from kLinear entries on
  static constexpr size_t kLinear = 12;
};

// Lists are taken apart without recursion, however deep they nest.
struct Sequence {
  explicit Sequence(std::vector<Value> from)
      : footprint(64 + from.size() * sizeof(Value)), items(std::move(from)) {}
  ~Sequence();
  Footprint footprint;
  std::vector<Value> items;
  std::string error;  // of an iterator: what going over it comes to
};

struct Mapping {
  explicit Mapping(Dict from) : footprint(64 + from.size() * 3 * sizeof(Value)), entries(std::move(from)) {}
  ~Mapping();
  Footprint footprint;
  Dict entries;
};

struct View {
  Value dict;
  Value::Part part;
};

// Python's name of the value's type: "int", "str", "list" ...
std::string type_name(const Value& value);
bool truth(const Value& value);
bool equal(const Value& a, const Value& b);
// a < b; throws Error where Python does not order the two.
bool less(const Value& a, const Value& b, const char* op = "<");
// Everything that iterating gives: items, keys of a dict, characters. Throws Error where there is no going
// over it.
std::vector<Value> items_of(const Value& value);
bool is_iterable(const Value& value);
// len(); throws Error where there is none.
int64_t length_of(const Value& value);
int64_t characters(const Text& text);

}  // namespace cohort::jinja
