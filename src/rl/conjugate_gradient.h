// Conjugate gradients (Hestenes & Stiefel 1952): solves A x = b for a symmetric positive definite A that is
// known by its products alone.
//   x_0 = 0, r_0 = p_0 = b
//   a = r^T r / p^T A p,  x += a p,  r -= a A p,  p = r + (r_new^T r_new / r^T r) p
// Vectors are float, their products and the scalars double. Any number of threads gives the same bits where
// the product does.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace cohort {

struct ConjugateGradientOptions {
  int64_t max_steps = 15;
  double tolerance = 1e-5;  // of |r| / |b|: where it is reached no further step is made
};

struct ConjugateGradientResult {
  std::vector<double> residuals;  // |r| / |b| after each step, r as the recurrence has it
  double energy = 0;              // x^T A x, which is x^T b too
};

// A v, valid until the next call.
using MatrixProduct = std::function<Tensor(const Tensor& v)>;

// `residual` is b on entry and what is left of it on return; `direction` is a workspace; `x` is the solution.
// No step is made where b is 0, and none along a direction in which p^T A p is not above 0: such an A is not
// positive definite (or its products are not finite), and x is what was found before.
ConjugateGradientResult conjugate_gradient(const MatrixProduct& product,
                                           const ConjugateGradientOptions& options, Tensor residual,
                                           Tensor direction, Tensor x);

}  // namespace cohort
