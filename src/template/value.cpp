#include "template/value.h"

#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "template/object.h"

namespace cohort::jinja {

Value Value::undefined(std::string why) {
  spend_bytes(why.size());
  return Value(Kind::undefined, std::make_shared<Text>(std::move(why), false));
}
Value Value::boolean(bool value) {
  Value v;
  v.kind_ = Kind::boolean;
  v.integer_ = value;
  return v;
}
Value Value::integer(int64_t value) {
  Value v;
  v.kind_ = Kind::integer;
  v.integer_ = value;
  return v;
}
Value Value::real(double value) {
  Value v;
  v.kind_ = Kind::real;
  v.real_ = value;
  return v;
}
Value Value::text(std::string bytes, bool safe) {
  spend(steps_for_bytes(bytes.size()));
  return Value(Kind::string, std::make_shared<Text>(std::move(bytes), safe));
}

namespace {

std::shared_ptr<Sequence> sequence_of(std::vector<Value> items) {
  spend(1 + static_cast<int64_t>(items.size()));
  return std::make_shared<Sequence>(std::move(items));
}

}  // namespace

Value Value::list(std::vector<Value> items) { return Value(Kind::list, sequence_of(std::move(items))); }
Value Value::tuple(std::vector<Value> items) { return Value(Kind::tuple, sequence_of(std::move(items))); }
Value Value::iterator(std::vector<Value> items) {
  return Value(Kind::iterator, sequence_of(std::move(items)));
}
Value Value::failed_iterator(std::string error) {
  Value v = iterator({});
  v.sequence().error = std::move(error);
  return v;
}
Value Value::dict(Dict items) {
  spend(1 + static_cast<int64_t>(items.size()));
  return Value(Kind::dict, std::make_shared<Mapping>(std::move(items)));
}
Value Value::name_space(Dict items) {
  return Value(Kind::name_space, std::make_shared<Mapping>(std::move(items)));
}
Value Value::range(Range range) { return Value(Kind::range, std::make_shared<Range>(range)); }
Value Value::view(Value dict, Part part) {
  return Value(Kind::view, std::make_shared<View>(View{std::move(dict), part}));
}
Value Value::object(std::shared_ptr<Object> object) { return Value(Kind::object, std::move(object)); }

Sequence& Value::sequence() const { return *static_cast<Sequence*>(held_.get()); }
const std::vector<Value>& Value::items() const { return sequence().items; }
const Dict& Value::entries() const { return static_cast<const Mapping*>(held_.get())->entries; }
Dict& Value::mutable_entries() const { return static_cast<Mapping*>(held_.get())->entries; }
const View& Value::as_view() const { return *static_cast<const View*>(held_.get()); }

bool Value::same(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (is(Kind::real)) return real_ == other.real_;
  return held_ ? held_ == other.held_ : integer_ == other.integer_;
}

int64_t Range::size() const {
  if (step > 0) return start < stop ? (stop - start - 1) / step + 1 : 0;
  return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

namespace {

// Values that wait to be taken apart: one loop does it for everything that dies inside. (No object of the
// thread's own: values may outlive those.)
thread_local std::vector<Value>* waiting = nullptr;

void bury(Value& value, std::vector<Value>& graves) {
  const Kind k = value.kind();
  if (k == Kind::list || k == Kind::tuple || k == Kind::iterator || k == Kind::dict || k == Kind::name_space)
    graves.push_back(std::move(value));
}

template <class F>
void take_apart(F bury_all) {
  if (waiting) return bury_all(*waiting);
  std::vector<Value> graves;
  waiting = &graves;
  bury_all(graves);
  while (!graves.empty()) {
    const Value last = std::move(graves.back());
    graves.pop_back();
  }
  waiting = nullptr;
}

}  // namespace

Sequence::~Sequence() {
  take_apart([&](std::vector<Value>& graves) {
    for (Value& item : items) bury(item, graves);
  });
}

Mapping::~Mapping() {
  take_apart([&](std::vector<Value>& graves) {
    for (const auto& [key, value] : entries.items()) {
      Value last = value;  // the entries' own copy is not the last one then
      bury(last, graves);
    }
    entries = Dict();
  });
}

std::string type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return value.as_text().safe ? "Markup" : "str";
    case Kind::list:
      return "list";
    case Kind::tuple:
      return "tuple";
    case Kind::iterator:
      return "generator";
    case Kind::dict:
      return "dict";
    case Kind::view: {
      const Value::Part part = value.as_view().part;
      return part == Value::Part::keys     ? "dict_keys"
             : part == Value::Part::values ? "dict_values"
                                           : "dict_items";
    }
    case Kind::range:
      return "range";
    case Kind::name_space:
      return "Namespace";
    case Kind::object:
      return value.as_object().type_name();
  }
  return "object";
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.as_integer() != 0;
    case Kind::real:
      return value.as_real() != 0;
    case Kind::string:
      return !value.bytes().empty();
    case Kind::list:
    case Kind::tuple:
      return !value.items().empty();
    case Kind::dict:
      return value.entries().size() != 0;
    case Kind::view:
      return value.as_view().dict.entries().size() != 0;
    case Kind::range:
      return value.as_range().size() != 0;
    case Kind::iterator:
    case Kind::name_space:
    case Kind::object:
      return true;
  }
  return true;
}

namespace {

// An integer and a double, compared as exactly as Python does.
int compare_exactly(int64_t a, double b) {
  if (b >= 0x1p63) return -1;
  if (b < -0x1p63) return 1;
  const auto whole = static_cast<int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  const double rest = b - static_cast<double>(whole);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

bool equal_items(const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!equal(a[i], b[i])) return false;
  return true;
}

}  // namespace

bool equal(const Value& a, const Value& b) {
  const Deeper deeper;
  spend(1);
  if (a.is_number() && b.is_number()) {
    if (a.is(Kind::real) == b.is(Kind::real))
      return a.is(Kind::real) ? a.as_real() == b.as_real() : a.as_integer() == b.as_integer();
    const double real = a.is(Kind::real) ? a.as_real() : b.as_real();
    return real == real && compare_exactly(a.is(Kind::real) ? b.as_integer() : a.as_integer(), real) == 0;
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::string:
      if (a.bytes().size() != b.bytes().size()) return false;
      spend_bytes(a.bytes().size());
      return a.bytes() == b.bytes();
    case Kind::list:
    case Kind::tuple:
      return equal_items(a.items(), b.items());
    case Kind::dict: {
      if (a.entries().size() != b.entries().size()) return false;
      for (const auto& [key, value] : a.entries().items()) {
        const Value* other = b.entries().find(key);
        if (!other || !equal(value, *other)) return false;
      }
      return true;
    }
    case Kind::range:
      return equal_items(items_of(a), items_of(b));
    default:
      return a.same(b);
  }
}

bool less(const Value& a, const Value& b, const char* op) {
  const Deeper deeper;
  spend(1);
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_integer() < b.as_integer();
    if (a.is(Kind::real) && b.is(Kind::real)) return a.as_real() < b.as_real();
    const double real = a.is(Kind::real) ? a.as_real() : b.as_real();
    if (real != real) return false;
    return a.is(Kind::real) ? compare_exactly(b.as_integer(), real) > 0
                            : compare_exactly(a.as_integer(), real) < 0;
  }
  if (a.is(Kind::string) && b.is(Kind::string)) {  // the order of UTF-8 bytes is that of code points
    spend(steps_for_bytes(std::min(a.bytes().size(), b.bytes().size())));
    return a.bytes() < b.bytes();
  }
  if (a.kind() == b.kind() && (a.is(Kind::list) || a.is(Kind::tuple))) {
    const auto &x = a.items(), &y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!equal(x[i], y[i])) return less(x[i], y[i], op);
    return x.size() < y.size();
  }
  for (const Value* side : {&a, &b})
    if (side->is(Kind::undefined)) fail("{}", side->why());
  fail("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b));
}

int64_t characters(const Text& text) {
  if (text.length < 0) {
    int64_t n = 0;
    for (const char c : text.bytes) n += (c & 0xC0) != 0x80;
    text.length = n;
    spend(steps_for_bytes(text.bytes.size()));
  }
  return text.length;
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::name_space:
      return false;
    case Kind::object:
      return value.as_object().iterable();
    default:
      return true;
  }
}

std::vector<Value> items_of(const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::undefined:
      return items;
    case Kind::list:
    case Kind::tuple:
      spend(static_cast<int64_t>(value.items().size()));
      return value.items();
    case Kind::iterator:
      if (!value.sequence().error.empty()) fail("{}", value.sequence().error);
      return std::exchange(value.sequence().items, {});
    case Kind::string: {
      std::string_view rest = value.bytes();
      spend(static_cast<int64_t>(rest.size()));
      while (!rest.empty()) {
        const size_t size = next_utf8(rest).size;
        items.push_back(Value::text(std::string(rest.substr(0, size))));
        rest.remove_prefix(size);
      }
      return items;
    }
    case Kind::dict:
    case Kind::view: {
      const bool dict = value.is(Kind::dict);
      const Value::Part part = dict ? Value::Part::keys : value.as_view().part;
      for (const auto& [key, held] : (dict ? value : value.as_view().dict).entries().items())
        items.push_back(part == Value::Part::keys     ? key
                        : part == Value::Part::values ? held
                                                      : Value::tuple({key, held}));
      spend(static_cast<int64_t>(items.size()));
      return items;
    }
    case Kind::range: {
      const Range& r = value.as_range();
      const int64_t n = r.size();
      spend(n);
      for (int64_t i = 0; i < n; ++i) items.push_back(Value::integer(r.start + i * r.step));
      return items;
    }
    default:
      break;
  }
  if (is_iterable(value)) return value.as_object().items();
  fail("'{}' object is not iterable", type_name(value));
}

int64_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      return characters(value.as_text());
    case Kind::list:
    case Kind::tuple:
      return static_cast<int64_t>(value.items().size());
    case Kind::dict:
      return static_cast<int64_t>(value.entries().size());
    case Kind::view:
      return static_cast<int64_t>(value.as_view().dict.entries().size());
    case Kind::range:
      return value.as_range().size();
    case Kind::object:
      if (const auto length = value.as_object().length()) return *length;
      break;
    default:
      break;
  }
  fail("object of type '{}' has no len()", type_name(value));
}

}  // namespace cohort::jinja
