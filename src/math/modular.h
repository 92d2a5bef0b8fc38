// Integers too large to be written out, by their remainders.
#pragma once

#include <optional>

#include "math/evaluate.h"

namespace cohort::math {

// Whether two expressions of rational numbers, their sums, products and powers and of factorials are equal, told
// by their remainders modulo three fixed primes near 2^61: different remainders prove that they differ; equal
// ones are equality but for a chance of about 2^-180. Nothing for other expressions.
std::optional<bool> same_remainders(const Expr& a, const Expr& b, Work& work);

}  // namespace cohort::math
