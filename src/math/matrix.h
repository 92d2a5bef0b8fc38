// Arithmetic of matrices: 2A, A + B, AB, A^n, A^{-1}, A^T.
#pragma once

#include "math/evaluate.h"

namespace cohort::math {

// The tree in which what is calculated of matrices is one matrix. Entries may be formulas; an inverse is of
// rational entries. Throws Unjudgeable for what is not calculated, Undefined where shapes do not fit or a
// matrix has no inverse.
Expr with_matrices(Expr e, Work& work);

// [[1, 2], [3, 4]] as a matrix; nothing for another list.
bool nested_list(const Expr& e);
Expr matrix_of(const Expr& list);

}  // namespace cohort::math
