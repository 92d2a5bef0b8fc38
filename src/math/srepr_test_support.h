// SymPy's srepr() as an expression: "Mul(Integer(2), Symbol('x'))".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "math/evaluate.h"
#include "math/expr.h"
#include "math/lex_number.h"
#include "math/parser_class.h"

namespace cohort::math {

class SreprReader {
 public:
  explicit SreprReader(std::string_view text) : text_(text) {}
  Expr read() {
    Expr e = item();
    if (at_ != text_.size()) throw Unreadable("srepr: " + std::string(text_.substr(at_)));
    return e;
  }

 private:
  bool accept(char c) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Expr item() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (accept('\'')) {
      std::string out;
      while (at_ < text_.size() && text_[at_] != '\'') {
        if (text_[at_] == '\\') ++at_;
        out += text_[at_++];
      }
      accept('\'');
      return node(Kind::text, {}, out);
    }
    const bool negative = accept('-');
    if (const NumberText n = read_number(text_.substr(at_), false, false); n.length) {
      at_ += n.length;
      Expr e = number(negative ? mpq_class(-n.value) : n.value);
      e.decimal = n.decimal;
      return e;
    }
    const size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    const std::string name(text_.substr(from, at_ - from));
    if (accept('=')) return item();  // precision=53
    if (!accept('(')) return word(name);
    std::vector<Expr> args;
    while (!accept(')')) {
      args.push_back(item());
      if (!accept(',') && (at_ >= text_.size() || text_[at_] != ')')) throw Unreadable("srepr: no )");
    }
    return apply(name, std::move(args));
  }

  static Expr word(const std::string& name) {
    if (name == "pi") return constant("pi");
    if (name == "E") return constant("e");
    if (name == "I") return constant("i");
    if (name == "oo") return constant("oo");
    const std::map<std::string, std::string> sets = {
        {"Naturals", "N"}, {"Integers", "Z"}, {"Rationals", "Q"}, {"Reals", "R"}, {"EmptySet", "empty"}};
    if (sets.contains(name)) return node(Kind::named_set, {}, sets.at(name));
    return symbol(name);
  }

  static Expr apply(const std::string& name, std::vector<Expr> args) {
    if (name == "Integer" || name == "UnevaluatedExpr") return std::move(args.at(0));
    if (name == "Float") {
      Expr e = number(0);
      const std::string text = args.at(0).name;
      const bool negative = text.starts_with('-');
      e.value = read_number(std::string_view(text).substr(negative), false, false).value;
      if (negative) e.value = -e.value;
      e.decimal = true;
      return e;
    }
    if (name == "Rational") return number(args.at(0).value / args.at(1).value);
    if (name == "Symbol") return symbol(plain_symbol(args.at(0).name));
    if (name == "Add") return sum(std::move(args));
    if (name == "Mul") return product(std::move(args));
    if (name == "Pow") return power(std::move(args.at(0)), std::move(args.at(1)));
    if (name == "Tuple") return node(Kind::tuple, std::move(args));
    if (name == "FiniteSet") return node(Kind::set, std::move(args));
    if (name == "Union") return node(Kind::set_union, std::move(args));
    if (name == "Intersection") return node(Kind::intersection, std::move(args));
    if (name == "Complement") return node(Kind::difference, std::move(args));
    if (name == "Equality") return node(Kind::relation, std::move(args), "=");
    if (name == "Not") {
      args[0].name = "n";
      return std::move(args[0]);
    }
    if (name == "Interval") {
      const bool left = args.at(2).name == "true", right = args.at(3).name == "true";
      args.resize(2);
      Expr e = node(Kind::interval, std::move(args));
      e.left_closed = !left;
      e.right_closed = !right;
      return e;
    }
    if (name == "Sum" || name == "Integral" || name == "Product" || name == "Limit") {
      std::vector<Expr> bounds = std::move(args.at(1).args);
      args.resize(1);
      for (Expr& b : bounds) args.push_back(std::move(b));
      return function(name, std::move(args));
    }
    const std::map<std::string, std::string> names = {
        {"Abs", "abs"},       {"ceiling", "ceil"},  {"Max", "max"},       {"Min", "min"},
        {"Mod", "mod"},       {"asin", "arcsin"},   {"acos", "arccos"},   {"atan", "arctan"},
        {"asinh", "arcsinh"}, {"acosh", "arccosh"}, {"atanh", "arctanh"}, {"log", "ln"}};
    if (name == "exp") return power(constant("e"), std::move(args.at(0)));
    return function(names.contains(name) ? names.at(name) : name, std::move(args));
  }

  std::string_view text_;
  size_t at_ = 0;
};

inline Expr read_srepr(std::string_view text) { return SreprReader(text).read(); }

}  // namespace cohort::math
