// {% for %} and what `loop` tells inside it.
#include <functional>

#include "base/check.h"
#include "template/interpreter.h"

namespace cohort::jinja {

// Items are tested (for ... if ...) one by one as they are asked for, as in Jinja2, whose tests may look at
// what the body has set.
class Loop : public Object {
 public:
  using Test = std::function<bool(const Value&)>;

  Loop(std::vector<Value> items, Test test, int depth)
      : items_(std::move(items)), test_(std::move(test)), depth_(depth) {}

  // The loop that `loop(items)` runs inside itself.
  void make_recursive(const Stmt& stmt, ScopePtr around) {
    stmt_ = &stmt;
    around_ = std::move(around);
  }

  bool advance() {
    if (!peek()) return false;
    previous_ = index_ == 0 ? std::optional<Value>() : std::move(current_);
    current_ = std::move(*std::exchange(ahead_, std::nullopt));
    ++index_;
    return true;
  }
  const Value& current() const { return current_; }

  std::string type_name() const override { return "LoopContext"; }
  bool callable() const override { return true; }

  Value call(Interpreter& interpreter, Arguments& arguments) override {
    if (!stmt_) fail("the loop must have the 'recursive' marker to be called recursively");
    const Value items = arguments.need(0, "iterable", "loop");
    arguments.finish("loop");
    struct Restore {
      std::string*& place;
      std::string* before;
      ~Restore() { place = before; }
    } restore{interpreter.out_, interpreter.out_};
    std::string text;
    interpreter.out_ = &text;
    interpreter.loop(*stmt_, items, around_, depth_ + 1);
    return Value::text(std::move(text));
  }

  std::optional<Value> attribute(std::string_view name) override {
    const auto number = [](int64_t n) { return Value::integer(n); };
    if (name == "index") return number(index_);
    if (name == "index0") return number(index_ - 1);
    if (name == "first") return Value::boolean(index_ == 1);
    if (name == "last") return Value::boolean(!peek());
    if (name == "length") return number(total());
    if (name == "revindex") return number(total() - index_ + 1);
    if (name == "revindex0") return number(total() - index_);
    if (name == "depth") return number(depth_ + 1);
    if (name == "depth0") return number(depth_);
    if (name == "previtem") return previous_ ? *previous_ : Value::undefined("there is no previous item");
    if (name == "nextitem") return peek() ? *ahead_ : Value::undefined("there is no next item");
    if (name == "cycle")
      return function("cycle", [this, self = keep()](Interpreter&, Arguments& given) {
        if (given.positional.empty()) fail("no items for cycling given");
        return given.positional[static_cast<size_t>(index_ - 1) % given.positional.size()];
      });
    if (name == "changed")
      return function("changed", [this, self = keep()](Interpreter&, Arguments& given) {
        const Value now = Value::tuple(given.positional);
        const bool changed = !last_seen_ || !equal(*last_seen_, now);
        last_seen_ = now;
        return Value::boolean(changed);
      });
    return std::nullopt;
  }
  std::optional<int64_t> length() override { return total(); }
  bool iterable() const override { return false; }

  void set_self(std::weak_ptr<Loop> self) { self_ = std::move(self); }

 private:
  std::shared_ptr<Loop> keep() const { return self_.lock(); }

  bool peek() {
    while (!ahead_ && at_ < items_.size()) {
      Value item = items_[at_++];
      if (!test_ || test_(item)) ahead_ = std::move(item);
    }
    return ahead_.has_value();
  }

  int64_t total() {
    if (total_ < 0) {
      std::vector<Value> rest;
      while (at_ < items_.size()) {
        Value item = items_[at_++];
        if (!test_ || test_(item)) rest.push_back(std::move(item));
      }
      total_ = index_ + (ahead_ ? 1 : 0) + static_cast<int64_t>(rest.size());
      items_ = std::move(rest);
      at_ = 0;
      test_ = nullptr;
    }
    return total_;
  }

  std::vector<Value> items_;
  size_t at_ = 0;
  Test test_;
  int depth_;
  int64_t index_ = 0;  // 1-based
  int64_t total_ = -1;
  Value current_;
  std::optional<Value> previous_, ahead_, last_seen_;
  const Stmt* stmt_ = nullptr;
  ScopePtr around_;
  std::weak_ptr<Loop> self_;
};

void Interpreter::loop(const Stmt& stmt, const Value& iterable, ScopePtr around, int depth) {
  const Target& target = stmt.targets[0];
  Loop::Test test;
  if (const Expr* condition = stmt.exprs[1].get()) {
    test = [this, condition, &target, around](const Value& item) {
      const auto scope = std::make_shared<Scope>(around);
      assign(target, item, *scope);
      const ScopePtr before = std::exchange(scope_, scope);
      struct Restore {
        ScopePtr& place;
        const ScopePtr& before;
        ~Restore() { place = before; }
      } restore{scope_, before};
      return truth(evaluate(*condition));
    };
  }
  const auto loop = std::make_shared<Loop>(items_of(iterable), std::move(test), depth);
  loop->set_self(loop);
  if (stmt.recursive) loop->make_recursive(stmt, around);
  bool any = false;
  while (loop->advance()) {
    any = true;
    spend(1);
    const auto scope = std::make_shared<Scope>(around);
    scope->set("loop", Value::object(loop));
    assign(target, loop->current(), *scope);
    if (in_scope(stmt.bodies[0], scope) == Flow::stop) break;
  }
  if (!any) in_scope(stmt.bodies[1], std::make_shared<Scope>(around));
}

}  // namespace cohort::jinja
