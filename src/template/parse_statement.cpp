#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "template/parser.h"

namespace cohort::jinja {
namespace {

constexpr size_t kLargest = 4 << 20;  // bytes of a template

Stmt statement_of(StmtKind kind, int line) {
  Stmt s{};
  s.kind = kind;
  s.line = line;
  return s;
}

}  // namespace

Body parse(std::string_view source, const Whitespace& whitespace) {
  if (source.size() > kLargest)
    fail("expected a template of at most {} bytes, found {}", kLargest, source.size());
  if (!is_valid_utf8(source)) fail("the template is not UTF-8");
  return Parser(tokenize(source, whitespace)).run();
}

Body Parser::run() {
  Body body = statements_until_end({});
  if (now().kind != TokenKind::end) bad(fmt::format("unexpected {}", describe(now())));
  return body;
}

// Up to {% END, whose name is the current token then; without `ends` to the end of the template.
Body Parser::statements_until_end(std::initializer_list<std::string_view> ends) {
  const Nest nest(*this);
  Body body;
  while (true) {
    const Token& token = now();
    if (token.kind == TokenKind::data) {
      Stmt text = statement_of(StmtKind::text, token.line);
      text.text = next().text;
      body.push_back(std::move(text));
    } else if (token.kind == TokenKind::variable_begin) {
      Stmt print = statement_of(StmtKind::print, token.line);
      next();
      print.exprs.push_back(expressions(true, false));
      expect(TokenKind::variable_end, "'}}'");
      body.push_back(std::move(print));
    } else if (token.kind == TokenKind::block_begin) {
      next();
      if (now().kind == TokenKind::name && std::find(ends.begin(), ends.end(), now().text) != ends.end())
        return body;
      statement(body);
      expect(TokenKind::block_end, "'%}'");
    } else if (ends.size() == 0) {
      return body;
    } else {
      bad(fmt::format("the template ends inside {{% {} %}}, expected {{% {} %}}", open_.back(),
                      fmt::join(ends, " %} or {% ")));
    }
  }
}

Body Parser::block(std::initializer_list<std::string_view> ends) {
  skip_op(":");
  expect(TokenKind::block_end, "'%}'");
  return statements_until_end(ends);
}

Body Parser::whole_block(std::string_view end) {
  Body body = block({end});
  next();
  return body;
}

void Parser::statement(Body& into) {
  if (now().kind != TokenKind::name) bad(fmt::format("expected a tag's name, found {}", describe(now())));
  const std::string name = now().text;
  const int line = now().line;
  open_.push_back(name);
  if (name == "set") {
    into.push_back(set_statement());
  } else if (name == "for") {
    into.push_back(for_statement());
  } else if (name == "if") {
    into.push_back(if_statement());
  } else if (name == "with") {
    into.push_back(with_statement());
  } else if (name == "macro" || name == "call") {
    into.push_back(macro_statement(name == "call"));
  } else if (name == "filter") {
    into.push_back(filter_statement());
  } else if (name == "block") {
    into.push_back(block_statement());
  } else if (name == "generation" || name == "autoescape") {
    next();
    Stmt s = statement_of(name == "generation" ? StmtKind::generation : StmtKind::with, line);
    if (name == "autoescape") {
      const ExprPtr on = expression();
      if (on->kind != ExprKind::constant || truth(on->value)) bad("autoescape can only be false here", line);
    }
    const int loops = std::exchange(loops_, name == "generation" ? 0 : loops_);
    s.bodies.push_back(whole_block("end" + name));
    loops_ = loops;
    into.push_back(std::move(s));
  } else if (name == "print") {
    next();
    Stmt s = statement_of(StmtKind::print, line);
    while (now().kind != TokenKind::block_end) {
      if (!s.exprs.empty()) expect_op(",");
      s.exprs.push_back(expression());
    }
    into.push_back(std::move(s));
  } else if (name == "break" || name == "continue") {
    next();
    if (loops_ == 0) bad(fmt::format("{{% {} %}} outside a loop", name), line);
    into.push_back(statement_of(name == "break" ? StmtKind::break_ : StmtKind::continue_, line));
  } else if (name == "include" || name == "import" || name == "from" || name == "extends") {
    into.push_back(other_template());
  } else {
    open_.pop_back();
    bad(fmt::format("unexpected {{% {} %}}{}", name,
                    open_.empty() ? "" : fmt::format(" inside {{% {} %}}", open_.back())));
  }
  open_.pop_back();
}

Target Parser::one_target(bool attributes) {
  const Nest nest(*this);
  Target t;
  t.line = now().line;
  if (skip_op("(")) {
    t = target(false);
    expect_op(")");
    return t;
  }
  t.name = expect_name("a name to assign to");
  for (const char* constant : {"true", "false", "none", "True", "False", "None"})
    if (t.name == constant) bad(fmt::format("'{}' cannot be assigned to", t.name), t.line);
  if (attributes && skip_op(".")) t.attribute = expect_name("an attribute");
  return t;
}

Target Parser::target(bool attributes, std::string_view end_name) {
  Target tuple;
  tuple.line = now().line;
  while (true) {
    if (!tuple.parts.empty()) expect_op(",");
    if (!tuple.parts.empty() && (tuple_ends(end_name) || now().is_op("="))) break;
    tuple.parts.push_back(one_target(attributes));
    if (!now().is_op(",")) break;
    tuple.is_tuple = true;
  }
  if (tuple.is_tuple) return tuple;
  Target only = std::move(tuple.parts[0]);
  return only;
}

Stmt Parser::set_statement() {
  Stmt s = statement_of(StmtKind::assign, next().line);
  s.targets.push_back(target(true));
  if (skip_op("=")) {
    s.exprs.push_back(expressions(true, false));
    return s;
  }
  s.kind = StmtKind::assign_block;
  ExprPtr filters;
  while (skip_op("|")) filters = filter(std::move(filters));
  if (filters) s.exprs.push_back(std::move(filters));
  s.bodies.push_back(whole_block("endset"));
  return s;
}

Stmt Parser::for_statement() {
  Stmt s = statement_of(StmtKind::for_, next().line);
  s.targets.push_back(target(false, "in"));
  if (!skip_name("in")) bad(fmt::format("expected 'in', found {}", describe(now())));
  s.exprs.push_back(expressions(false, false, "recursive"));
  s.exprs.push_back(skip_name("if") ? expression() : nullptr);
  s.recursive = skip_name("recursive");
  ++loops_;
  s.bodies.push_back(block({"endfor", "else"}));
  --loops_;
  s.bodies.push_back(next().text == "else" ? whole_block("endfor") : Body());
  return s;
}

Stmt Parser::if_statement() {
  Stmt s = statement_of(StmtKind::if_, now().line);
  std::string tag = "elif";
  while (tag == "elif") {
    next();
    s.exprs.push_back(expressions(false, false));
    s.bodies.push_back(block({"elif", "else", "endif"}));
    tag = now().text;
  }
  next();
  if (tag == "else") s.bodies.push_back(whole_block("endif"));
  return s;
}

Stmt Parser::with_statement() {
  Stmt s = statement_of(StmtKind::with, next().line);
  while (now().kind != TokenKind::block_end) {
    if (!s.targets.empty()) expect_op(",");
    s.targets.push_back(one_target(false));
    expect_op("=");
    s.exprs.push_back(expression());
  }
  s.bodies.push_back(whole_block("endwith"));
  return s;
}

Signature Parser::signature() {
  Signature signature;
  expect_op("(");
  while (!now().is_op(")")) {
    if (!signature.names.empty()) expect_op(",");
    if (now().is_op(")")) break;
    signature.names.push_back(one_target(false).name);
    if (signature.names.back().empty()) bad("expected the name of an argument, found a tuple");
    if (skip_op("="))
      signature.defaults.push_back(expression());
    else if (!signature.defaults.empty())
      bad("an argument without a default behind one with a default");
  }
  expect_op(")");
  return signature;
}

Stmt Parser::macro_statement(bool is_call) {
  Stmt s = statement_of(is_call ? StmtKind::call : StmtKind::macro, next().line);
  if (is_call) {
    if (now().is_op("(")) s.signature = signature();
    s.exprs.push_back(expression());
    if (s.exprs[0]->kind != ExprKind::call) bad("expected a call of a macro behind {% call", s.line);
  } else {
    s.text = expect_name("the macro's name");
    s.signature = signature();
  }
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(&s);
  s.bodies.push_back(whole_block(is_call ? "endcall" : "endmacro"));
  macros_.pop_back();
  loops_ = loops;
  return s;
}

Stmt Parser::filter_statement() {
  Stmt s = statement_of(StmtKind::filter_block, next().line);
  ExprPtr filters = filter(nullptr);
  while (skip_op("|")) filters = filter(std::move(filters));
  s.exprs.push_back(std::move(filters));
  s.bodies.push_back(whole_block("endfilter"));
  return s;
}

Stmt Parser::block_statement() {
  Stmt s = statement_of(StmtKind::block, next().line);
  s.text = expect_name("the block's name");
  s.recursive = skip_name("scoped");
  skip_name("required");
  s.bodies.push_back(whole_block("endblock"));
  skip_name(s.text);
  return s;
}

Stmt Parser::other_template() {
  Stmt s = statement_of(StmtKind::refused, now().line);
  s.text = fmt::format("{{% {} %}} needs another template, and a chat template stands alone", now().text);
  while (now().kind != TokenKind::block_end && now().kind != TokenKind::end) next();
  return s;
}

}  // namespace cohort::jinja
