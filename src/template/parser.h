// Tokens to a tree. The grammar is Jinja2's: where the two differ, this one is wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "template/ast.h"
#include "template/lexer.h"

namespace cohort::jinja {

// Throws Error "line N: ..." where the template is broken or nests too deep.
Body parse(std::string_view source, const Whitespace& whitespace);

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Body run();

 private:
  // One level deeper while it lives.
  class Nest {
   public:
    explicit Nest(Parser& parser);
    ~Nest() { --parser_.nesting_; }

   private:
    Parser& parser_;
  };

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next();
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  void expect(TokenKind kind, std::string_view what);
  std::string expect_name(std::string_view what);
  [[noreturn]] void bad(const std::string& what, int line = 0) const;

  // Expressions (parse_expression.cpp), from the loosest to the tightest.
  ExprPtr expression(bool conditional = true);
  ExprPtr conditional();
  ExprPtr logical_or();
  ExprPtr logical_and();
  ExprPtr logical_not();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  ExprPtr primary();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr subscript(ExprPtr expr);
  ExprPtr subscribed();
  ExprPtr call(ExprPtr callee);
  ExprPtr filter(ExprPtr input);  // behind the |
  ExprPtr test(ExprPtr subject);
  ExprPtr list();
  ExprPtr dict();
  ExprPtr expressions(bool conditional, bool in_parentheses, std::string_view end_name = {});
  void call_arguments(CallArguments& arguments);
  std::string dotted_name();
  bool tuple_ends(std::string_view end_name) const;
  ExprPtr make(ExprKind kind, int line, ExprPtr a = nullptr, ExprPtr b = nullptr, ExprPtr c = nullptr);
  ExprPtr binary(ExprKind kind, Op op, ExprPtr a, ExprPtr b);
  void adopt(Expr& parent, const Expr* child);

  // Statements (parse_statement.cpp).
  Body statements_until_end(std::initializer_list<std::string_view> ends);
  Body block(std::initializer_list<std::string_view> ends);  // behind a tag's own words: %} and what follows
  Body whole_block(std::string_view end);
  void statement(Body& into);
  Stmt set_statement();
  Stmt for_statement();
  Stmt if_statement();
  Stmt with_statement();
  Stmt macro_statement(bool is_call);
  Stmt filter_statement();
  Stmt block_statement();
  Stmt other_template();
  Target target(bool attributes, std::string_view end_name = {});
  Target one_target(bool attributes);
  Signature signature();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;  // open loops that break and continue can end
  std::vector<Stmt*> macros_;
  std::vector<std::string> open_;  // tags that wait for their end
};

}  // namespace cohort::jinja
