// What stands behind a value: attributes, indices, calls, filters and tests.
#include "base/check.h"
#include "template/parser.h"

namespace cohort::jinja {

ExprPtr Parser::postfix(ExprPtr expr) {
  while (true) {
    if (now().is_op(".") || now().is_op("["))
      expr = subscript(std::move(expr));
    else if (now().is_op("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr Parser::filters_and_tests(ExprPtr expr) {
  while (true) {
    if (skip_op("|"))
      expr = filter(std::move(expr));
    else if (now().is_name("is"))
      expr = test(std::move(expr));
    else if (now().is_op("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr Parser::subscript(ExprPtr expr) {
  const int line = now().line;
  if (skip_op(".")) {
    const Token name = next();
    if (name.kind == TokenKind::name) {
      ExprPtr attribute = make(ExprKind::attribute, line, std::move(expr));
      attribute->text = name.text;
      return attribute;
    }
    if (name.kind != TokenKind::integer) bad("expected a name or a number behind the point", name.line);
    ExprPtr index = make(ExprKind::constant, line);
    index->value = Value::integer(name.integer);
    return make(ExprKind::item, line, std::move(expr), std::move(index));
  }
  expect_op("[");
  std::vector<ExprPtr> indices;
  while (!now().is_op("]")) {
    if (!indices.empty()) expect_op(",");
    indices.push_back(subscribed());
  }
  expect_op("]");
  if (indices.size() == 1) return make(ExprKind::item, line, std::move(expr), std::move(indices[0]));
  ExprPtr tuple = make(ExprKind::tuple, line);
  for (ExprPtr& index : indices) {
    adopt(*tuple, index.get());
    tuple->children.push_back(std::move(index));
  }
  return make(ExprKind::item, line, std::move(expr), std::move(tuple));
}

ExprPtr Parser::subscribed() {
  const int line = now().line;
  ExprPtr start;
  if (!now().is_op(":")) {
    start = expression();
    if (!now().is_op(":")) return start;
  }
  expect_op(":");
  const auto ends = [&] { return now().is_op("]") || now().is_op(",") || now().is_op(":"); };
  ExprPtr stop = ends() ? nullptr : expression();
  ExprPtr step;
  if (skip_op(":") && !now().is_op("]") && !now().is_op(",")) step = expression();
  ExprPtr slice = make(ExprKind::slice, line);
  for (ExprPtr* part : {&start, &stop, &step}) {
    adopt(*slice, part->get());
    slice->children.push_back(std::move(*part));
  }
  return slice;
}

void Parser::call_arguments(CallArguments& arguments) {
  const int line = now().line;
  const auto ensure = [&](bool right) {
    if (!right) bad("arguments in an order that a call cannot have", line);
  };
  expect_op("(");
  for (bool first = true; !now().is_op(")"); first = false) {
    if (!first) {
      expect_op(",");
      if (now().is_op(")")) break;
    }
    if (skip_op("*")) {
      ensure(!arguments.star && !arguments.double_star);
      arguments.star = expression();
    } else if (skip_op("**")) {
      ensure(!arguments.double_star);
      arguments.double_star = expression();
    } else if (now().kind == TokenKind::name && ahead().is_op("=")) {
      ensure(!arguments.double_star);
      std::string name = next().text;
      next();
      arguments.named.emplace_back(std::move(name), expression());
    } else {
      ensure(!arguments.star && !arguments.double_star && arguments.named.empty());
      arguments.positional.push_back(expression());
    }
  }
  expect_op(")");
}

namespace {

template <class F>
void each_argument(const CallArguments& arguments, F f) {
  for (const ExprPtr& a : arguments.positional) f(a.get());
  for (const auto& [name, a] : arguments.named) f(a.get());
  f(arguments.star.get());
  f(arguments.double_star.get());
}

}  // namespace

ExprPtr Parser::call(ExprPtr callee) {
  ExprPtr call = make(ExprKind::call, now().line, std::move(callee));
  call_arguments(call->arguments);
  each_argument(call->arguments, [&](const Expr* a) { adopt(*call, a); });
  return call;
}

std::string Parser::dotted_name() {
  std::string name = expect_name("a name");
  while (skip_op(".")) name += "." + expect_name("a name");
  return name;
}

ExprPtr Parser::filter(ExprPtr input) {
  ExprPtr filter = make(ExprKind::filter, now().line);
  adopt(*filter, input.get());
  filter->children.push_back(std::move(input));
  filter->text = dotted_name();
  if (now().is_op("(")) call_arguments(filter->arguments);
  each_argument(filter->arguments, [&](const Expr* a) { adopt(*filter, a); });
  return filter;
}

ExprPtr Parser::test(ExprPtr subject) {
  const int line = next().line;
  const bool negated = skip_name("not");
  ExprPtr test = make(ExprKind::test, line, std::move(subject));
  test->text = dotted_name();
  const Token& token = now();
  const bool argument = token.kind == TokenKind::name || token.kind == TokenKind::string ||
                        token.kind == TokenKind::integer || token.kind == TokenKind::real ||
                        token.is_op("[") || token.is_op("{");
  if (token.is_op("(")) {
    call_arguments(test->arguments);
  } else if (argument && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) {
    if (token.is_name("is")) bad("a test behind a test: 'is' cannot be chained");
    test->arguments.positional.push_back(postfix(primary()));
  }
  each_argument(test->arguments, [&](const Expr* a) { adopt(*test, a); });
  return negated ? make(ExprKind::logical_not, line, std::move(test)) : std::move(test);
}

}  // namespace cohort::jinja
