// Sets of real numbers: intervals, points, their unions, and what an inequality in one variable holds for.
#pragma once

#include <optional>
#include <vector>

#include "math/evaluate.h"

namespace cohort::math {

struct Piece {
  Value low, high;
  bool low_closed = true, high_closed = true;
};

// Pieces in order, disjoint, none empty, none that could be joined.
struct RealSet {
  std::vector<Piece> pieces;
};

// Intervals, pairs (open intervals), sets of constants, R, the empty set, unions, intersections,
// differences; inequalities that are linear or quadratic in one variable, also within | | (`variable`
// becomes its name) and lists of them ("x < 1 or x > 2" is a union, with "and" an intersection where that
// is not empty). Nothing for what is no such set.
std::optional<RealSet> real_set(const Expr& e, Work& work, std::string* variable = nullptr);

bool same_set(const RealSet& a, const RealSet& b);

}  // namespace cohort::math
