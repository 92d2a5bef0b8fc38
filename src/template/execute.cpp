// Statements.
#include "base/check.h"
#include "template/interpreter.h"
#include "template/macro.h"
#include "template/text.h"

namespace cohort::jinja {

Interpreter::Interpreter(const Dict& context, const Settings& settings)
    : context_(context), settings_(settings), scope_(std::make_shared<Scope>(nullptr)), top_(scope_) {}

Interpreter::~Interpreter() {
  // A macro knows the scope that knows the macro, and a namespace may hold itself.
  for (const auto& macro : macros_) macro->let_go();
  for (const Value& one : namespaces_) one.mutable_entries() = Dict();
}

std::string Interpreter::render(const Body& body) {
  execute(body);
  return std::move(output_);
}

void Interpreter::write(std::string_view text) {
  check_output(out_->size() + text.size());
  spend(steps_for_bytes(text.size()));
  *out_ += text;
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  for (const Stmt& stmt : body)
    if (const Flow flow = execute(stmt); flow != Flow::normal) return flow;
  return Flow::normal;
}

Interpreter::Flow Interpreter::in_scope(const Body& body, ScopePtr scope) {
  struct Restore {
    ScopePtr& place;
    ScopePtr before;
    ~Restore() { place = std::move(before); }
  } restore{scope_, scope_};
  scope_ = std::move(scope);
  return execute(body);
}

std::string Interpreter::capture(const Body& body, ScopePtr scope) {
  struct Restore {
    std::string*& place;
    std::string* before;
    ~Restore() { place = before; }
  } restore{out_, out_};
  std::string text;
  out_ = &text;
  in_scope(body, std::move(scope));
  return text;
}

Interpreter::Flow Interpreter::execute(const Stmt& stmt) {
  const Deeper deeper;
  spend(1);
  line_ = stmt.line;
  const auto inner = [&] { return std::make_shared<Scope>(scope_); };
  switch (stmt.kind) {
    case StmtKind::text:
      write(stmt.text);
      break;
    case StmtKind::print:
      for (const ExprPtr& expr : stmt.exprs) append(*out_, evaluate(*expr));
      break;
    case StmtKind::assign:
      assign(stmt.targets[0], evaluate(*stmt.exprs[0]), *scope_);
      break;
    case StmtKind::assign_block: {
      Value text = Value::text(capture(stmt.bodies[0], inner()));
      if (!stmt.exprs.empty()) text = run_filters(*stmt.exprs[0], std::move(text));
      assign(stmt.targets[0], text, *scope_);
      break;
    }
    case StmtKind::if_:
      return branch(stmt);
    case StmtKind::for_:
      loop(stmt, evaluate(*stmt.exprs[0]), scope_, 0);
      break;
    case StmtKind::with: {
      const ScopePtr scope = inner();
      for (size_t i = 0; i < stmt.targets.size(); ++i)
        assign(stmt.targets[i], evaluate(*stmt.exprs[i]), *scope);
      return in_scope(stmt.bodies[0], scope);
    }
    case StmtKind::macro:
      scope_->set(stmt.text, macro(stmt, stmt.text));
      break;
    case StmtKind::call: {
      const Value caller = macro(stmt, "caller");
      write(str(call_expression(*stmt.exprs[0], &caller)));
      break;
    }
    case StmtKind::filter_block:
      write(str(run_filters(*stmt.exprs[0], Value::text(capture(stmt.bodies[0], inner())))));
      break;
    case StmtKind::
        block:  // sees what was set around it where it is `scoped`, else what was set outside all blocks
      return in_scope(stmt.bodies[0], std::make_shared<Scope>(stmt.recursive ? scope_ : top_));
    case StmtKind::generation:
      generation(stmt);
      break;
    case StmtKind::break_:
      return Flow::stop;
    case StmtKind::continue_:
      return Flow::next;
    case StmtKind::refused:
      fail("{}", stmt.text);
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::branch(const Stmt& stmt) {
  for (size_t i = 0; i < stmt.exprs.size(); ++i)
    if (truth(evaluate(*stmt.exprs[i]))) return execute(stmt.bodies[i]);
  return stmt.bodies.size() > stmt.exprs.size() ? execute(stmt.bodies.back()) : Flow::normal;
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  line_ = target.line;
  if (target.is_tuple) {
    const std::vector<Value> parts = items_of(value);
    if (parts.size() != target.parts.size())
      fail("expected {} values to unpack, found {}", target.parts.size(), parts.size());
    for (size_t i = 0; i < parts.size(); ++i) assign(target.parts[i], parts[i], scope);
  } else if (target.attribute.empty()) {
    scope.set(target.name, value);
  } else {
    const Value object = name(target.name);
    if (!object.is(Kind::name_space))
      fail("cannot assign attribute on non-namespace object '{}'", target.name);
    if (target.attribute.starts_with('_'))
      fail("a namespace has no attributes that begin with an underscore, found '{}'", target.attribute);
    object.mutable_entries().set(Value::text(target.attribute), value);
  }
}

Value Interpreter::run_filters(const Expr& expr, Value text) {
  const Expr* input = expr.children[0].get();
  if (input) text = run_filters(*input, std::move(text));
  Arguments given = arguments(expr.arguments);
  line_ = expr.line;
  return filter(expr.text, text, given);
}

void Interpreter::generation(const Stmt& stmt) {
  const size_t begin = out_->size();
  in_scope(stmt.bodies[0], std::make_shared<Scope>(scope_));
  if (out_ == &output_)
    spans_.push_back({begin, out_->size()});
  else
    span_lost_ = true;
}

Value Interpreter::macro(const Stmt& stmt, const std::string& name) {
  macros_.push_back(std::make_shared<Macro>(stmt, name, scope_));
  return Value::object(macros_.back());
}

}  // namespace cohort::jinja
