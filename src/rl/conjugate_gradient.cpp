#include "rl/conjugate_gradient.h"

#include <cmath>
#include <cstring>

#include "ops/vector.h"

namespace cohort {

ConjugateGradientResult conjugate_gradient(const MatrixProduct& product,
                                           const ConjugateGradientOptions& options, Tensor residual,
                                           Tensor direction, Tensor x) {
  ConjugateGradientResult result;
  const size_t bytes = static_cast<size_t>(x.size()) * sizeof(float);
  std::memset(x.data, 0, bytes);
  std::memcpy(direction.data, residual.data, bytes);
  const double start = dot(residual, residual);
  double left = start;
  for (int64_t step = 0; step < options.max_steps; ++step) {
    if (!(left > options.tolerance * options.tolerance * start)) break;
    const Tensor image = product(direction);
    const double curvature = dot(direction, image);
    if (!(curvature > 0) || !std::isfinite(curvature)) break;
    const double length = left / curvature;
    scaled_sum(x, length, direction, x);
    scaled_sum(residual, -length, image, residual);
    result.energy += length * left;  // directions are conjugate, so x^T A x is the sum of a^2 p^T A p
    const double now = dot(residual, residual);
    scaled_sum(residual, now / left, direction, direction);
    left = now;
    result.residuals.push_back(std::sqrt(left / start));
  }
  return result;
}

}  // namespace cohort
