// The parser by recursive descent; its parts are in parse_list.cpp (lists, relations, sets), parser.cpp (sums,
// products, powers), parse_atom.cpp (numbers, variables, brackets) and parse_function.cpp (functions, fractions,
// sums, integrals, limits, matrices).
#pragma once

#include <string>
#include <vector>

#include "math/expr.h"
#include "math/lexer.h"

namespace cohort::math {

class Parser {
 public:
  Parser(std::string_view source, const ParseOptions& options)
      : source_(source), options_(options), tokens_(lex(source, options)) {}

  Expr whole();

 private:
  // parse_list.cpp
  Expr semicolons();
  Expr commas();
  Expr relation();
  Expr ratio();
  Expr set_expression();
  // parser.cpp
  Expr additive();
  Expr term(bool negative);
  Expr implicit(bool one_factor = false);
  Expr power();
  Expr postfix(Expr e);
  Expr exponent();
  bool mixed_fraction(const Token& whole) const;
  bool starts_factor() const;
  void units();

  // parse_atom.cpp
  Expr atom();
  Expr number_atom();
  bool complex_number() const;
  static Expr conjugate(Expr e);
  Expr letter_atom();
  Expr parentheses();
  Expr brace_group();
  Expr set_braces();
  Expr bars(std::string_view close);
  Expr argument();  // of a command: a group or one sign, one digit of a number
  std::string subscript();
  // The plain text of a group in braces, or of one token. `wanted`: the end of the text in its place is an error.
  std::string group_or_token(bool wanted);
  Expr call(std::string name);
  bool called(const std::string& name) const;

  // parse_function.cpp
  Expr function_atom();
  Expr function_arguments(std::vector<Expr>& args);
  Expr special_atom();
  Expr fraction();
  Expr root();
  Expr integral();
  Expr big_operator(const std::string& name);
  Expr limit();
  Expr matrix(std::string_view kind);
  Expr sympy_set(const std::string& name);

  const Token& peek(size_t n = 0) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  bool is(std::string_view sign, size_t n = 0) const {
    return peek(n).kind == Token::sign && peek(n).text == sign;
  }
  bool ends() const { return peek().kind == Token::end; }
  bool accept(std::string_view sign) {
    if (!is(sign)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view sign) {
    if (!accept(sign))
      throw Unreadable("expected " + std::string(sign) + (ends() ? " at the end" : " before " + peek().text));
  }
  [[noreturn]] void unexpected() const {
    throw Unreadable(ends() ? "the answer ends too early" : "unexpected " + peek().text);
  }
  bool differential() const {  // "dx", in an integral
    return integral_ && peek().kind == Token::letter && peek().text == "d" && peek(1).kind == Token::letter;
  }

  struct Deeper {  // guards the recursion
    explicit Deeper(Parser& p);
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  std::string_view source_;
  ParseOptions options_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0, bars_ = 0, builders_ = 0;
  bool inequality_ = false;  // the side of an inequality is being read
  bool logic_ = false;       // the text states a formula of logic
  std::string* integral_ =
      nullptr;  // the variable of the integral whose body is being read, empty until its dx came
};

// The name of a variable without what only LaTeX needs: "x_{ij}" is x_ij.
std::string plain_symbol(std::string_view text);
bool set_of_numbers(const Expr& e);  // an interval, R, or what is made of these
Expr in_radians(Expr e);             // degrees within a trigonometric function's argument

}  // namespace cohort::math
