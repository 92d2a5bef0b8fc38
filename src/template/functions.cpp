#include "template/functions.h"

#include <map>

#include "base/check.h"
#include "template/interpreter.h"
#include "template/strftime.h"
#include "template/text.h"

namespace cohort::jinja {
namespace {

constexpr int64_t kLongestRange = 100'000;  // as in Jinja2's sandbox

Value range(Interpreter&, Arguments& given) {
  const size_t n = given.positional.size();
  int64_t parts[3] = {0, 0, 1};
  if (n < 1 || n > 3 || !given.named.empty()) fail("range expected 1 to 3 arguments, got {}", n);
  for (size_t i = 0; i < n; ++i) {
    const Value& part = given.positional[i];
    if (part.is(Kind::undefined)) fail("{}", part.why());
    if (!part.is_integral()) fail("'{}' object cannot be interpreted as an integer", type_name(part));
    parts[n == 1 ? 1 : i] = part.as_integer();
    if (part.as_integer() > (int64_t{1} << 60) || part.as_integer() < -(int64_t{1} << 60))
      fail("range() of {}: too large", part.as_integer());
  }
  if (parts[2] == 0) fail("range() arg 3 must not be zero");
  const Range range{parts[0], parts[1], parts[2]};
  if (range.size() > kLongestRange) fail("a range of {} numbers, of {} at most", range.size(), kLongestRange);
  return Value::range(range);
}

// dict(x, a=1): of pairs or another dict.
Dict dict_of(Arguments& given, const char* function) {
  Dict dict;
  if (given.positional.size() > 1)
    fail("{} expected at most 1 argument, got {}", function, given.positional.size());
  if (!given.positional.empty()) {
    const Value& from = given.positional[0];
    if (from.is(Kind::dict)) {
      dict = from.entries();
    } else {
      for (const Value& pair : items_of(from)) {
        const std::vector<Value> two = items_of(pair);
        if (two.size() != 2) fail("{}: expected pairs, found {} items", function, two.size());
        dict.set(two[0], two[1]);
      }
    }
  }
  for (const auto& [name, value] : given.named) dict.set(Value::text(name), value);
  spend(static_cast<int64_t>(dict.size()));
  return dict;
}

Value name_space(Interpreter& interpreter, Arguments& given) {
  Dict entries = dict_of(given, "namespace");
  for (const auto& [key, value] : entries.items())
    if (key.is(Kind::string) && key.bytes().starts_with('_'))
      fail("a namespace has no attributes that begin with an underscore, found '{}'", key.bytes());
  return interpreter.make_namespace(std::move(entries));
}

class Cycler : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(std::string_view name) override {
    if (name == "current") return items_[at_];
    const auto self = self_.lock();
    if (name == "next")
      return function("next", [self](Interpreter&, Arguments&) {
        const Value now = self->items_[self->at_];
        self->at_ = (self->at_ + 1) % self->items_.size();
        return now;
      });
    if (name == "reset")
      return function("reset", [self](Interpreter&, Arguments&) {
        self->at_ = 0;
        return Value();
      });
    return std::nullopt;
  }
  std::weak_ptr<Cycler> self_;

 private:
  std::vector<Value> items_;
  size_t at_ = 0;
};

Value cycler(Interpreter&, Arguments& given) {
  if (given.positional.empty()) fail("at least one item has to be provided");
  const auto cycler = std::make_shared<Cycler>(given.positional);
  cycler->self_ = cycler;
  return Value::object(cycler);
}

Value joiner(Interpreter&, Arguments& given) {
  const Value separator = given.take_or(0, "sep", Value::text(", "));
  given.finish("joiner");
  return function("joiner", [separator, used = false](Interpreter&, Arguments&) mutable {
    return std::exchange(used, true) ? separator : Value::text("");
  });
}

Value raise_exception(Interpreter&, Arguments& given) {
  fail("{}", str(given.need(0, "message", "raise_exception")));
}

Value strftime_now(Interpreter& interpreter, Arguments& given) {
  const Value format = given.need(0, "format", "strftime_now");
  given.finish("strftime_now");
  if (!format.is(Kind::string)) fail("strftime_now: expected a format, found {}", type_name(format));
  spend(static_cast<int64_t>(format.bytes().size()));
  return Value::text(strftime(format.bytes(), interpreter.settings().now));
}

// The type itself, of which templates use the call alone.
Value make_dict(Interpreter&, Arguments& given) { return Value::dict(dict_of(given, "dict")); }

}  // namespace

const Value* global(std::string_view name) {
  // Made anew for each thread: values count the memory of the thread that they belong to.
  thread_local const std::map<std::string, Value, std::less<>> globals = [] {
    std::map<std::string, Value, std::less<>> all;
    const std::pair<const char*, Native> functions[] = {{"range", range},
                                                        {"dict", make_dict},
                                                        {"namespace", name_space},
                                                        {"cycler", cycler},
                                                        {"joiner", joiner},
                                                        {"raise_exception", raise_exception},
                                                        {"strftime_now", strftime_now}};
    for (const auto& [key, native] : functions) all.emplace(key, function(key, native));
    return all;
  }();
  const auto found = globals.find(name);
  return found == globals.end() ? nullptr : &found->second;
}

}  // namespace cohort::jinja
