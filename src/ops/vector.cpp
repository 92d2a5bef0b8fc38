#include "ops/vector.h"

#include "ops/kernels.h"

namespace cohort {

double dot(const Tensor& x, const Tensor& y) {
  COHORT_CHECK(x.size() == y.size(), "x {}, y {}", x.size(), y.size());
  require_cpu("dot", x.device);
  return cpu::dot(x, y);
}

void scaled_sum(const Tensor& x, double a, const Tensor& y, Tensor z) {
  COHORT_CHECK(x.size() == z.size() && y.size() == z.size(), "x {}, y {}, z {}", x.size(), y.size(),
               z.size());
  require_cpu("scaled_sum", z.device);
  cpu::scaled_sum(x, a, y, z);
}

}  // namespace cohort
