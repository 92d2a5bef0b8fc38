#include <algorithm>

#include "math/evaluate.h"

namespace cohort::math {

static bool has_kind_named(const Expr& e, const char* name) {
  return any_of(e, [name](const Expr& x) { return x.kind == Kind::constant && x.name == name; });
}

bool has_opaque(const Expr& e) {
  return any_of(e, [](const Expr& x) {
    return x.kind == Kind::function &&
           (x.name == "Integral" || x.name == "Limit" || x.name == "Derivative" ||
            ((x.name == "Sum" || x.name == "Product") && has_kind_named(x, "oo")));
  });
}

Ball to_ball(const Value& v) {
  if (const auto* q = std::get_if<mpq_class>(&v)) return Ball(*q);
  if (std::holds_alternative<Infinity>(v)) throw Undefined{};
  return std::get<Ball>(v);
}

int sign_of(const Value& v) {
  if (const auto* q = std::get_if<mpq_class>(&v)) return sgn(*q);
  if (const auto* inf = std::get_if<Infinity>(&v)) return inf->sign;
  const Ball& b = std::get<Ball>(v);
  if (!b.real()) throw Outside{};
  return b.may_be_zero() ? 0 : b.sign();
}

int compare(const Value& a, const Value& b) {
  const auto *x = std::get_if<mpq_class>(&a), *y = std::get_if<mpq_class>(&b);
  if (x && y) return cmp(*x, *y) < 0 ? -1 : *x != *y;
  const auto *p = std::get_if<Infinity>(&a), *q = std::get_if<Infinity>(&b);
  if (p && q) return (p->sign > q->sign) - (p->sign < q->sign);
  if (p) return p->sign;
  if (q) return -q->sign;
  return sign_of(Value(to_ball(a) - to_ball(b)));
}

bool same_value(const Value& a, const Value& b) {
  const auto *x = std::get_if<mpq_class>(&a), *y = std::get_if<mpq_class>(&b);
  if (x && y) return *x == *y;
  const auto *p = std::get_if<Infinity>(&a), *q = std::get_if<Infinity>(&b);
  if (p || q) return p && q && p->sign == q->sign;
  const Ball left = to_ball(a), right = to_ball(b), d = left - right;
  const int64_t scale = std::max<int64_t>(std::max(left.log2(), right.log2()), -100);
  if (d.error > scale - 80) throw TooFewDigits("too many digits cancel");
  return d.may_be_zero();
}

}  // namespace cohort::math
