#include "math/matrix.h"
#include "math/names.h"
#include "math/parser_class.h"

namespace cohort::math {
namespace {

bool trigonometric(std::string_view name) {
  for (const std::string_view f : {"sin", "cos", "tan", "cot", "sec", "csc"})
    if (name == f) return true;
  return false;
}

// SymPy's relations.
char relation_name(std::string_view name) {
  for (const auto& [spelled, sign] : {std::pair<std::string_view, char>{"Eq", '='},
                                      {"Ne", '!'},
                                      {"Lt", '<'},
                                      {"Le", 'l'},
                                      {"Gt", '>'},
                                      {"Ge", 'g'}})
    if (name == spelled) return sign;
  return 0;
}

bool many_arguments(std::string_view name) {
  for (const std::string_view f : {"gcd", "lcm", "max", "min", "binomial", "mod", "log", "Sum", "Product",
                                   "Integral", "Limit", "Derivative"})
    if (name == f) return true;
  return false;
}

Expr pair(const char* name, Expr a, Expr b) {
  std::vector<Expr> args;
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return function(name, std::move(args));
}

Expr single(Expr e) {  // {x} as a group
  if (e.kind == Kind::set && e.args.size() == 1) {
    Expr inside = std::move(e.args[0]);
    return inside;
  }
  if (e.kind == Kind::text) return symbol("text:" + e.name);
  return e;
}

// Within a sum over i, i is its variable, not the imaginary unit.
void bind(const std::string& name, Expr& e) {
  if (e.kind == Kind::constant && e.name == name) e = symbol(name);
  for (Expr& a : e.args) bind(name, a);
}

}  // namespace

Expr in_radians(Expr e) {
  for (Expr& a : e.args) a = in_radians(std::move(a));
  if (e.kind == Kind::function && e.name == "degree") {
    std::vector<Expr> factors;
    factors.push_back(std::move(e.args[0]));
    factors.push_back(constant("pi"));
    factors.push_back(number(mpq_class(1, 180)));
    return product(std::move(factors));
  }
  return e;
}

// What the function's name applies to: a bracket, or the product that follows up to the next function.
Expr Parser::function_arguments(std::vector<Expr>& args) {
  if (is("(") || is("[") || is("{") || is("{{")) {
    Expr group = is("{") ? brace_group() : is("{{") ? set_braces() : parentheses();
    if (is_collection(group) || group.kind == Kind::interval)
      args = std::move(group.args);
    else
      args.push_back(std::move(group));
    return {};
  }
  bool minus = false;
  while (is("-") || is("+")) {
    minus = minus != is("-");
    ++at_;
  }
  std::vector<Expr> factors;
  do {
    factors.push_back(single(power()));
  } while (starts_factor() && peek().kind != Token::function && !differential() &&
           !(peek().kind == Token::special && peek().text != "frac" && peek().text != "sqrt") && !is("(") &&
           !(peek().kind == Token::number && factors.back().kind == Kind::number));
  Expr e = product(std::move(factors));
  args.push_back(minus ? negate(std::move(e)) : std::move(e));
  return {};
}

Expr Parser::function_atom() {
  std::string name = tokens_[at_++].text;
  Expr base = number(0), raised = number(1);
  for (int i = 0; i < 2; ++i) {
    if (is("_")) {
      ++at_;
      base = argument();
    } else if (is("^")) {
      ++at_;
      raised = exponent();
    }
  }
  if (is_number(raised, -1) &&
      (trigonometric(name) || (name.ends_with('h') && trigonometric(name.substr(0, 3))))) {
    name = "arc" + name;
    raised = number(1);
  }
  std::vector<Expr> args;
  function_arguments(args);
  for (Expr& a : args) a = single(std::move(a));
  if (args.empty() || (args.size() > 1 && !many_arguments(name)))
    throw Unreadable(name + " of several arguments");
  const bool two = name == "binomial" || name == "mod";
  if ((two && args.size() != 2) || (name == "log" && args.size() > 2))
    throw Unreadable(name + " needs two arguments");
  Expr e;
  if (name == "exp") {
    e = math::power(constant("e"), std::move(args[0]));
  } else if (name == "sqrt") {
    e = math::power(std::move(args[0]), number(mpq_class(1, 2)));
  } else if (name == "cbrt") {
    e = pair("root", std::move(args[0]), number(3));
  } else if (name == "lg") {
    e = pair("log", std::move(args[0]), number(10));
  } else if (name == "log" && args.size() == 1) {
    if (!is_number(base, 0))
      e = pair("log", std::move(args[0]), std::move(base));
    else if (options_.natural_log)
      e = function("ln", std::move(args));
    else
      e = pair("log", std::move(args[0]), number(10));
  } else if (name == "Sum" || name == "Product" || name == "Integral" || name == "Limit") {
    if (args.size() < 2) throw Unreadable(name + " without a variable");
    if (args[1].kind == Kind::tuple) {
      std::vector<Expr> bounds = std::move(args[1].args);
      args.pop_back();
      for (Expr& b : bounds) args.push_back(std::move(b));
    }
    if (args[1].kind == Kind::constant) {
      const std::string variable = args[1].name;
      for (size_t i = 0; i < 2; ++i) bind(variable, args[i]);
    }
    e = function(name, std::move(args));
  } else {
    if (trigonometric(name))
      for (Expr& a : args) a = in_radians(std::move(a));
    e = function(name, std::move(args));
  }
  if (!is_number(raised, 1)) e = math::power(std::move(e), single(std::move(raised)));
  return e;
}

Expr Parser::special_atom() {
  const std::string name = tokens_[at_++].text;
  if (name == "frac") return fraction();
  if (name == "sqrt") return root();
  if (name == "binom") {
    Expr n = argument();
    return pair("binomial", single(std::move(n)), single(argument()));
  }
  if (name == "int") return integral();
  if (name == "sum") return big_operator("Sum");
  if (name == "prod") return big_operator("Product");
  if (name == "lim") return limit();
  if (name.starts_with("begin:")) return matrix(std::string_view(name).substr(6));
  if (name == "partial") return symbol("partial");
  if (name.starts_with("Interval") || name == "FiniteSet" || name == "Union" || name == "Tuple" ||
      name == "Matrix" || name == "Intersection" || name == "Complement" || relation_name(name) != 0)
    return sympy_set(name);
  --at_;
  unexpected();
}

Expr Parser::fraction() {
  Expr top = single(argument());
  Expr bottom = single(argument());
  // d/dx
  const auto derived = [](const Expr& e) {
    return e.kind == Kind::symbol && (e.name == "d" || e.name == "partial");
  };
  if (bottom.kind == Kind::multiply && bottom.args.size() == 2 && derived(bottom.args[0]) &&
      bottom.args[1].kind == Kind::symbol) {
    if (derived(top)) return pair("Derivative", single(implicit()), std::move(bottom.args[1]));
    if (top.kind == Kind::multiply && top.args.size() == 2 && derived(top.args[0]))
      return pair("Derivative", std::move(top.args[1]), std::move(bottom.args[1]));
  }
  if (!(is_scalar(top) && is_scalar(bottom))) throw Unreadable("a fraction of what is no value");
  return divide(std::move(top), std::move(bottom));
}

Expr Parser::root() {
  Expr index = number(2);
  if (is("[")) {
    ++at_;
    index = additive();
    expect("]");
  }
  Expr inside = number(0);
  if (is("{")) {
    inside = brace_group();
  } else if (is("(")) {
    inside = parentheses();
  } else {
    while (peek().kind == Token::gap) ++at_;
    inside = atom();
  }
  inside = single(std::move(inside));
  if (!is_scalar(inside)) throw Unreadable("a root of what is no value");
  if (is_number(index, 2)) return math::power(std::move(inside), number(mpq_class(1, 2)));
  return pair("root", std::move(inside), std::move(index));
}

Expr Parser::integral() {
  std::vector<Expr> bounds(2);
  bool definite = false;
  for (int i = 0; i < 2; ++i) {
    if (!is("_") && !is("^")) continue;
    const size_t which = is("_") ? 0 : 1;
    ++at_;
    bounds[which] = single(is("-") ? exponent() : argument());
    definite = true;
  }
  std::string variable;
  std::string* outer = integral_;
  integral_ = &variable;
  Expr body;
  try {
    body = single(additive());
  } catch (...) {
    integral_ = outer;
    throw;
  }
  integral_ = outer;
  if (variable.empty()) throw Unreadable("an integral without its variable");
  std::vector<Expr> args;
  args.push_back(std::move(body));
  args.push_back(symbol(variable));
  if (definite)
    for (Expr& b : bounds) args.push_back(std::move(b));
  return function("Integral", std::move(args));
}

Expr Parser::big_operator(const std::string& name) {
  Expr index, upper;
  bool lower = false, above = false;
  for (int i = 0; i < 2; ++i) {
    if (accept("_")) {
      expect("{");
      index = relation();
      expect("}");
      lower = true;
    } else if (accept("^")) {
      upper = single(argument());
      above = true;
    }
  }
  if (!lower || !above || index.kind != Kind::relation || index.name != "=" ||
      index.args[0].kind == Kind::number)
    throw Unjudgeable("a sum or product without both bounds");
  Expr variable = std::move(index.args[0]);
  if (variable.kind == Kind::constant) variable = symbol(variable.name);
  if (variable.kind != Kind::symbol) throw Unreadable("a sum without its variable");
  std::vector<Expr> args;
  Expr body = single(term(false));
  bind(variable.name, body);
  args.push_back(std::move(body));
  args.push_back(std::move(variable));
  args.push_back(std::move(index.args[1]));
  args.push_back(std::move(upper));
  return function(name, std::move(args));
}

Expr Parser::limit() {
  expect("_");
  expect("{");
  Expr to = relation();
  int side = 0;
  if (accept("^")) {
    const bool braces = accept("{");
    side = is("-") ? -1 : 1;
    if (!accept("+")) accept("-");
    if (braces) expect("}");
  }
  while (!ends() && !is("}")) ++at_;
  expect("}");
  if (to.kind != Kind::relation || to.args.size() != 2 || to.args[0].kind != Kind::symbol)
    throw Unreadable("a limit without its variable");
  std::vector<Expr> args;
  args.push_back(single(term(false)));
  args.push_back(std::move(to.args[0]));
  args.push_back(std::move(to.args[1]));
  if (side != 0) args.push_back(number(side));
  return function("Limit", std::move(args));
}

Expr Parser::matrix(std::string_view kind) {
  Expr e = node(Kind::matrix, {});
  const std::string close = "end:" + std::string(kind);
  const bool determinant = kind == "vmatrix", cases = kind == "cases";
  const auto closes = [&] { return peek().kind == Token::special && peek().text.starts_with("end:"); };
  int columns = 0;
  while (!closes()) {
    if (ends()) unexpected();
    if (accept("newrow")) {
      if (columns == 0) continue;
      if (e.columns == 0) e.columns = columns;
      if (columns != e.columns && !cases) throw Unreadable("a matrix whose rows differ in length");
      columns = 0;
      continue;
    }
    if (accept("&")) continue;
    e.args.push_back(relation());
    while (is(",") || is(".") || peek().kind == Token::gap) ++at_;
    ++columns;
    if (!(is("&") || is("newrow") || closes())) unexpected();
  }
  if (peek().text != close) throw Unreadable("a matrix that ends as another kind");
  ++at_;
  if (columns > 0 && e.columns == 0) e.columns = columns;
  if (columns > 0 && columns != e.columns && !cases) throw Unreadable("a matrix whose rows differ in length");
  if (cases) {
    e.kind = Kind::set;
    e.bare = true;
    e.columns = 0;
  }
  if (determinant) {
    std::vector<Expr> args;
    args.push_back(std::move(e));
    return function("det", std::move(args));
  }
  return e;
}

Expr Parser::sympy_set(const std::string& name) {
  Expr group = parentheses();
  std::vector<Expr> args;
  if (is_collection(group) || group.kind == Kind::interval)
    args = std::move(group.args);
  else
    args.push_back(std::move(group));
  if (name == "Matrix" && args.size() == 1) return nested_list(args[0]) ? matrix_of(args[0]) : args[0];
  if (name == "Matrix") {  // one list: its rows
    Expr list = node(Kind::tuple, std::move(args));
    list.square = true;
    if (nested_list(list)) return matrix_of(list);
    list.square = false;
    return list;
  }
  if (name == "FiniteSet") return node(Kind::set, std::move(args));
  if (name == "Tuple") return node(Kind::tuple, std::move(args));
  if (name == "Union") return node(Kind::set_union, std::move(args));
  if (name == "Intersection") return node(Kind::intersection, std::move(args));
  if (args.size() != 2) throw Unreadable(name + " needs two arguments");
  if (name == "Complement") return node(Kind::difference, std::move(args));
  if (const char sign = relation_name(name))
    return node(Kind::relation, std::move(args), std::string(1, sign));
  Expr e = node(Kind::interval, std::move(args));
  e.left_closed = !name.ends_with(".open") && !name.ends_with(".Lopen");
  e.right_closed = !name.ends_with(".open") && !name.ends_with(".Ropen");
  return e;
}

}  // namespace cohort::math
