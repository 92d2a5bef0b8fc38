// Greatest common divisors, least common multiples and powers of exact numbers.
#pragma once

#include <optional>
#include <span>

#include "math/evaluate.h"

namespace cohort::math {

// Of rationals as well: gcd(2.4, 3.6) = 6/5. The gcd is not negative; an lcm has the sign of the product,
// pair by pair.
mpq_class gcd_of(std::span<const mpq_class> numbers, Work& work);
mpq_class lcm_of(std::span<const mpq_class> numbers, Work& work);

// Of products of powers: integer coefficients have their gcd, others are units (a field has no divisors);
// what is no product is one factor. gcd(6x^2, 4xy) = 2x, lcm(125, 50x) = 250x.
Expr symbolic_gcd(std::span<const Expr> args);
Expr symbolic_lcm(std::span<const Expr> args);

// base^exponent where it is rational and small enough. A root of a negative number is the real one where
// `real_roots` and the index is odd. Throws Undefined for 0^negative.
std::optional<mpq_class> exact_power(const mpq_class& base, const mpq_class& exponent, Work& work,
                                     bool real_roots);

}  // namespace cohort::math
