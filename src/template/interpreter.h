// A walk over the tree of a template that writes its text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/ast.h"
#include "template/object.h"
#include "template/value.h"

namespace cohort::jinja {

// What was set where: a block's own names, then those around it.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> around) : parent(std::move(around)) {}
  const Value* find(std::string_view name) const;  // here only
  void set(std::string_view name, Value value);

  Footprint footprint{160};
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> names;
};
using ScopePtr = std::shared_ptr<Scope>;

// A stretch of the output that a {% generation %} block wrote, in bytes.
struct Span {
  size_t begin, end;
};

struct Settings {
  bool changeable =
      false;        // lists and dicts have append, pop, update ...; Hugging Face's sandbox refuses them
  int64_t now = 0;  // seconds since 1970, local time added: what strftime_now tells
};

class Interpreter {
 public:
  Interpreter(const Dict& context, const Settings& settings);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  std::string render(const Body& body);
  const std::vector<Span>& spans() const { return spans_; }
  bool span_lost() const {
    return span_lost_;
  }                                   // a generation block stood inside a macro, a filter or a set block
  int line() const { return line_; }  // of the template, where it stands
  const Settings& settings() const { return settings_; }

  Value evaluate(const Expr& expr);
  Value call(const Value& callee, Arguments& arguments);
  Value filter(std::string_view name, const Value& input, Arguments& arguments);
  bool test(std::string_view name, const Value& subject, Arguments& arguments);
  Value attribute(const Value& object, std::string_view name);  // object.name
  Value item(const Value& object, const Value& index);          // object[index]
  // A namespace lives until the rendering ends, when what it holds is let go.
  Value make_namespace(Dict entries);

 private:
  friend class Macro;
  friend class Loop;

  enum class Flow { normal, stop, next };

  // evaluate.cpp
  Value name(std::string_view name) const;
  Value comparison(const Expr& expr);
  Value call_expression(const Expr& expr, const Value* caller);
  Arguments arguments(const CallArguments& given);
  Value sliced(const Value& object, const Expr& slice);
  std::optional<Value> own_attribute(const Value& object,
                                     std::string_view name);  // without falling back to items

  // execute.cpp
  Flow execute(const Body& body);
  Flow execute(const Stmt& stmt);
  Flow branch(const Stmt& stmt);
  Flow in_scope(const Body& body, ScopePtr scope);
  std::string capture(const Body& body, ScopePtr scope);  // what it writes
  void write(std::string_view text);
  void assign(const Target& target, const Value& value, Scope& scope);
  Value run_filters(const Expr& expr, Value text);
  void generation(const Stmt& stmt);
  Value macro(const Stmt& stmt, const std::string& name);

  // loop.cpp
  void loop(const Stmt& stmt, const Value& iterable, ScopePtr around, int depth);

  const Dict& context_;
  Settings settings_;
  ScopePtr scope_;
  ScopePtr top_;
  std::string output_;
  std::string* out_ = &output_;
  std::vector<Span> spans_;
  bool span_lost_ = false;
  int line_ = 0;
  std::vector<std::shared_ptr<class Macro>> macros_;
  std::vector<Value> namespaces_;
};

}  // namespace cohort::jinja
