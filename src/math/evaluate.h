// The value of an expression at a point, exact where it is rational, with bounded work.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "math/ball.h"
#include "math/expr.h"

namespace cohort::math {

// Counts operations, about a tenth of a microsecond each; throws Unjudgeable when they are used up. A count
// and no clock: the same text meets the bound on every machine.
class Work {
 public:
  explicit Work(int64_t units, int64_t cost = 1) : left_(units), cost_(cost) {}  // cost: of longer mantissas
  void spend(int64_t units) {
    if ((left_ -= units * cost_) < 0) throw Unjudgeable("more work than one comparison may take");
  }

 private:
  int64_t left_, cost_;
};

// Two values agree in so few digits that nothing is told.
struct TooFewDigits : Unjudgeable {
  using Unjudgeable::Unjudgeable;
};

struct Infinity {
  int sign = 1;
};
using Value = std::variant<mpq_class, Ball, Infinity>;

// How an expression is read.
struct Reading {
  bool complex_values = false;  // otherwise roots and logarithms of negative numbers are Outside
  bool percent_is_hundredth = false;
  bool degrees_are_radians = false;
  bool integer_gcd = false;  // gcd(n, 6) at the point, n being an integer; otherwise of polynomials
  int round = 0;  // which of the fixed pseudo-random points the variables have
  enum Points { mixed, positive, whole } points = mixed;
};

struct Outside {};  // the real numbers do not hold a value that is needed on the way

inline constexpr long kMaxExactBits = 60000;  // of a numerator or denominator; larger numbers are Balls
inline constexpr long kMaxTerms = 1000;       // of a sum or product that is written out

// Throws Undefined, Outside, Unjudgeable. Functions that a text does not define have a value that depends
// on their name and arguments alone; an integral, a limit or a derivative has one that depends on its parts
// (has_opaque()).
Value evaluate(const Expr& e, const Reading& reading, Work& work);
bool has_opaque(const Expr& e);

// Equal, or so near that the bits of digits_now show no difference. Throws TooFewDigits.
bool same_value(const Value& a, const Value& b);
Ball to_ball(const Value& v);  // throws Undefined for infinity
int sign_of(const Value& v);   // of a real value; 0 where it may be zero; throws Outside for a complex one
int compare(const Value& a, const Value& b);  // of real values: -1, 0, 1

mpq_class point(std::string_view name, const Reading& reading);  // a variable's value

}  // namespace cohort::math
