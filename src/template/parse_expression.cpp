#include <algorithm>

#include "base/check.h"
#include "template/parser.h"

namespace cohort::jinja {
namespace {

constexpr int kDeepest = 150;      // brackets in brackets, blocks in blocks
constexpr int kDeepestExpr = 400;  // levels of an expression, a + b + c ... among them

}  // namespace

Parser::Nest::Nest(Parser& parser) : parser_(parser) {
  if (++parser.nesting_ > kDeepest) parser.bad(fmt::format("nested deeper than {} levels", kDeepest));
}

Token Parser::next() {
  Token token = now();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::skip_op(std::string_view op) {
  if (!now().is_op(op)) return false;
  next();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!now().is_name(name)) return false;
  next();
  return true;
}

void Parser::expect_op(std::string_view op) {
  if (!skip_op(op)) bad(fmt::format("expected '{}', found {}", op, describe(now())));
}

void Parser::expect(TokenKind kind, std::string_view what) {
  if (now().kind != kind) bad(fmt::format("expected {}, found {}", what, describe(now())));
  next();
}

std::string Parser::expect_name(std::string_view what) {
  if (now().kind != TokenKind::name) bad(fmt::format("expected {}, found {}", what, describe(now())));
  return next().text;
}

void Parser::bad(const std::string& what, int line) const {
  fail("line {}: {}", line > 0 ? line : now().line, what);
}

void Parser::adopt(Expr& parent, const Expr* child) {
  if (!child) return;
  parent.depth = std::max(parent.depth, child->depth + 1);
  if (parent.depth > kDeepestExpr)
    bad(fmt::format("an expression of more than {} levels", kDeepestExpr), parent.line);
}

ExprPtr Parser::make(ExprKind kind, int line, ExprPtr a, ExprPtr b, ExprPtr c) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = line;
  for (const ExprPtr* child : {&a, &b, &c}) adopt(*expr, child->get());
  if (a) expr->children.push_back(std::move(a));
  if (b) expr->children.push_back(std::move(b));
  if (c) expr->children.push_back(std::move(c));
  return expr;
}

ExprPtr Parser::binary(ExprKind kind, Op op, ExprPtr a, ExprPtr b) {
  const int line = a->line;
  ExprPtr expr = make(kind, line, std::move(a), std::move(b));
  expr->op = op;
  return expr;
}

ExprPtr Parser::expression(bool with_conditional) { return with_conditional ? conditional() : logical_or(); }

ExprPtr Parser::conditional() {
  const Nest nest(*this);
  ExprPtr value = logical_or();
  while (skip_name("if")) {
    const int line = value->line;
    ExprPtr test = logical_or();
    ExprPtr otherwise = skip_name("else") ? conditional() : nullptr;
    value = make(ExprKind::conditional, line, std::move(value), std::move(test), std::move(otherwise));
  }
  return value;
}

ExprPtr Parser::logical_or() {
  ExprPtr left = logical_and();
  while (skip_name("or")) left = binary(ExprKind::logical_or, Op::add, std::move(left), logical_and());
  return left;
}

ExprPtr Parser::logical_and() {
  ExprPtr left = logical_not();
  while (skip_name("and")) left = binary(ExprKind::logical_and, Op::add, std::move(left), logical_not());
  return left;
}

ExprPtr Parser::logical_not() {
  if (!now().is_name("not")) return comparison();
  const Nest nest(*this);
  const int line = next().line;
  return make(ExprKind::logical_not, line, logical_not());
}

ExprPtr Parser::comparison() {
  static constexpr std::pair<std::string_view, Op> symbols[] = {
      {"==", Op::eq}, {"!=", Op::ne}, {"<", Op::lt}, {"<=", Op::le}, {">", Op::gt}, {">=", Op::ge}};
  ExprPtr expr = sum();
  ExprPtr chain;
  while (true) {
    const auto* const symbol = std::find_if(std::begin(symbols), std::end(symbols),
                                            [&](const auto& s) { return now().is_op(s.first); });
    Op op = Op::in;
    if (symbol != std::end(symbols)) {
      op = symbol->second;
      next();
    } else if (skip_name("in")) {
      op = Op::in;
    } else if (now().is_name("not") && ahead().is_name("in")) {
      next();
      next();
      op = Op::not_in;
    } else {
      break;
    }
    ExprPtr right = sum();
    if (!chain) {
      const int line = expr->line;
      chain = make(ExprKind::comparison, line, std::move(expr));
    }
    adopt(*chain, right.get());
    chain->children.push_back(std::move(right));
    chain->ops.push_back(op);
  }
  return chain ? std::move(chain) : std::move(expr);
}

ExprPtr Parser::sum() {
  ExprPtr left = concatenation();
  while (now().is_op("+") || now().is_op("-")) {
    const Op op = next().text == "+" ? Op::add : Op::sub;
    left = binary(ExprKind::binary, op, std::move(left), concatenation());
  }
  return left;
}

ExprPtr Parser::concatenation() {
  ExprPtr first = product();
  if (!now().is_op("~")) return first;
  const int line = first->line;
  ExprPtr all = make(ExprKind::concatenation, line, std::move(first));
  while (skip_op("~")) {
    ExprPtr part = product();
    adopt(*all, part.get());
    all->children.push_back(std::move(part));
  }
  return all;
}

ExprPtr Parser::product() {
  static constexpr std::pair<std::string_view, Op> symbols[] = {
      {"*", Op::mul}, {"/", Op::div}, {"//", Op::floor_div}, {"%", Op::mod}};
  ExprPtr left = power();
  while (true) {
    const auto* const symbol = std::find_if(std::begin(symbols), std::end(symbols),
                                            [&](const auto& s) { return now().is_op(s.first); });
    if (symbol == std::end(symbols)) return left;
    next();
    left = binary(ExprKind::binary, symbol->second, std::move(left), power());
  }
}

ExprPtr Parser::power() {
  ExprPtr left = unary();
  while (skip_op("**")) left = binary(ExprKind::binary, Op::pow, std::move(left), unary());
  return left;
}

ExprPtr Parser::unary(bool with_filter) {
  ExprPtr expr;
  if (now().is_op("-") || now().is_op("+")) {
    const Nest nest(*this);
    const Token sign = next();
    expr = make(sign.text == "-" ? ExprKind::unary_minus : ExprKind::unary_plus, sign.line, unary(false));
  } else {
    expr = primary();
  }
  expr = postfix(std::move(expr));
  return with_filter ? filters_and_tests(std::move(expr)) : std::move(expr);
}

ExprPtr Parser::primary() {
  const Token token = now();
  const auto constant = [&](Value value) {
    ExprPtr expr = make(ExprKind::constant, token.line);
    expr->value = std::move(value);
    return expr;
  };
  switch (token.kind) {
    case TokenKind::name: {
      next();
      if (token.text == "true" || token.text == "True") return constant(Value::boolean(true));
      if (token.text == "false" || token.text == "False") return constant(Value::boolean(false));
      if (token.text == "none" || token.text == "None") return constant(Value());
      for (Stmt* macro : macros_) {
        macro->catches_varargs |= token.text == "varargs";
        macro->catches_kwargs |= token.text == "kwargs";
        macro->takes_caller |= token.text == "caller";
      }
      ExprPtr expr = make(ExprKind::name, token.line);
      expr->text = token.text;
      return expr;
    }
    case TokenKind::string: {
      std::string text;
      while (now().kind == TokenKind::string) text += next().text;
      return constant(Value::text(std::move(text)));
    }
    case TokenKind::integer:
      next();
      return constant(Value::integer(token.integer));
    case TokenKind::real:
      next();
      return constant(Value::real(token.real));
    default:
      break;
  }
  if (skip_op("(")) {
    ExprPtr inner = expressions(true, true);
    expect_op(")");
    return inner;
  }
  if (token.is_op("[")) return list();
  if (token.is_op("{")) return dict();
  bad(fmt::format("expected an expression, found {}", describe(token)));
}

bool Parser::tuple_ends(std::string_view end_name) const {
  const TokenKind kind = now().kind;
  return kind == TokenKind::variable_end || kind == TokenKind::block_end || now().is_op(")") ||
         (!end_name.empty() && now().is_name(end_name));
}

ExprPtr Parser::expressions(bool with_conditional, bool in_parentheses, std::string_view end_name) {
  const int line = now().line;
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_op(",");
    if (tuple_ends(end_name)) break;
    items.push_back(expression(with_conditional));
    if (!now().is_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) bad(fmt::format("expected an expression, found {}", describe(now())));
  ExprPtr tuple = make(ExprKind::tuple, line);
  for (ExprPtr& item : items) {
    adopt(*tuple, item.get());
    tuple->children.push_back(std::move(item));
  }
  return tuple;
}

ExprPtr Parser::list() {
  ExprPtr list = make(ExprKind::list, next().line);
  while (!now().is_op("]")) {
    if (!list->children.empty()) expect_op(",");
    if (now().is_op("]")) break;
    ExprPtr item = expression();
    adopt(*list, item.get());
    list->children.push_back(std::move(item));
  }
  expect_op("]");
  return list;
}

ExprPtr Parser::dict() {
  ExprPtr dict = make(ExprKind::dict, next().line);
  while (!now().is_op("}")) {
    if (!dict->children.empty()) expect_op(",");
    if (now().is_op("}")) break;
    ExprPtr key = expression();
    expect_op(":");
    ExprPtr value = expression();
    for (ExprPtr* child : {&key, &value}) {
      adopt(*dict, child->get());
      dict->children.push_back(std::move(*child));
    }
  }
  expect_op("}");
  return dict;
}

}  // namespace cohort::jinja
