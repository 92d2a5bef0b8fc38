#include "math/expr.h"

#include <algorithm>
#include <set>

namespace cohort::math {

Expr number(mpq_class value) {
  Expr e;
  e.value = std::move(value);
  return e;
}

Expr constant(std::string_view name) {
  Expr e;
  e.kind = Kind::constant;
  e.name = name;
  return e;
}

Expr symbol(std::string name) {
  Expr e;
  e.kind = Kind::symbol;
  e.name = std::move(name);
  return e;
}

Expr node(Kind kind, std::vector<Expr> args, std::string name) {
  Expr e;
  e.kind = kind;
  e.args = std::move(args);
  e.name = std::move(name);
  return e;
}

Expr function(std::string name, std::vector<Expr> args) {
  return node(Kind::function, std::move(args), std::move(name));
}

Expr negate(Expr a) {
  if (a.kind == Kind::number) {
    a.value = -a.value;
    return a;
  }
  std::vector<Expr> args;
  args.push_back(number(-1));
  args.push_back(std::move(a));
  return product(std::move(args));
}

Expr divide(Expr a, Expr b) {
  if (a.kind == Kind::number && b.kind == Kind::number && b.value != 0) {
    a.value /= b.value;
    a.decimal = a.decimal || b.decimal;
    return a;
  }
  std::vector<Expr> args;
  args.push_back(std::move(a));
  args.push_back(power(std::move(b), number(-1)));
  return product(std::move(args));
}

Expr power(Expr a, Expr b) {
  std::vector<Expr> args;
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return node(Kind::power, std::move(args));
}

Expr product(std::vector<Expr> factors) {
  if (factors.size() == 1) return std::move(factors[0]);
  return node(Kind::multiply, std::move(factors));
}

Expr sum(std::vector<Expr> terms) {
  if (terms.size() == 1) return std::move(terms[0]);
  return node(Kind::add, std::move(terms));
}

bool is_number(const Expr& e, long value) { return e.kind == Kind::number && e.value == value; }

bool is_integer(const Expr& e) {
  return e.kind == Kind::number && !e.decimal && mpz_cmp_ui(e.value.get_den_mpz_t(), 1) == 0;
}

bool is_scalar(const Expr& e) {
  switch (e.kind) {
    case Kind::number:
    case Kind::constant:
    case Kind::symbol:
    case Kind::add:
    case Kind::multiply:
    case Kind::power:
    case Kind::function:
    case Kind::call:
      return true;
    default:
      return false;
  }
}

bool is_collection(const Expr& e) { return e.kind == Kind::tuple || e.kind == Kind::set; }

bool has_function(const Expr& e, std::string_view name) {
  return any_of(e, [name](const Expr& x) { return x.kind == Kind::function && x.name == name; });
}

namespace {

bool binds(const Expr& e) {
  return e.kind == Kind::function &&
         (e.name == "Sum" || e.name == "Product" || e.name == "Integral" || e.name == "Limit");
}

void collect(const Expr& e, std::set<std::string>& bound, std::set<std::string>& out) {
  if (e.kind == Kind::symbol && !bound.contains(e.name)) out.insert(e.name);
  const bool indefinite = e.name == "Integral" && e.args.size() == 2;
  if (binds(e) && e.args.size() >= 2 && e.args[1].kind == Kind::symbol && !indefinite) {
    for (size_t i = 2; i < e.args.size(); ++i) collect(e.args[i], bound, out);
    const bool fresh = bound.insert(e.args[1].name).second;
    collect(e.args[0], bound, out);
    if (fresh) bound.erase(e.args[1].name);
    return;
  }
  for (const Expr& a : e.args) collect(a, bound, out);
}

}  // namespace

std::vector<std::string> free_symbols(const Expr& e) {
  std::set<std::string> bound, out;
  collect(e, bound, out);
  return {out.begin(), out.end()};
}

std::string to_text(const Expr& e) {
  if (e.kind == Kind::number) return e.value.get_str();
  std::string out;
  if (e.args.empty()) return e.name;
  static constexpr const char* kHeads[] = {"",   "",   "",   "",  "+", "*",  "^", "",  "",  "",
                                           "()", "{}", "[]", "U", "&", "\\", "",  "M", "B", ":"};
  out = kHeads[static_cast<size_t>(e.kind)] + e.name;
  if (e.kind == Kind::interval) out += std::string(e.left_closed ? "c" : "o") + (e.right_closed ? "c" : "o");
  if (e.columns) out += std::to_string(e.columns);
  std::vector<std::string> parts;
  for (const Expr& a : e.args) parts.push_back(to_text(a));
  if (e.kind == Kind::add || e.kind == Kind::multiply || e.kind == Kind::set)
    std::sort(parts.begin(), parts.end());
  out += '(';
  for (const std::string& p : parts) (out += p) += ',';
  out.back() = ')';
  return out;
}

}  // namespace cohort::math
