#include <algorithm>
#include <vector>

#include "ops/kernels.h"

namespace cohort::cpu {

double dot(const Tensor& x, const Tensor& y) {
  constexpr int64_t block = 4096;
  const int64_t n = x.size(), blocks = (n + block - 1) / block;
  std::vector<double> partial(static_cast<size_t>(blocks));
#pragma omp parallel for schedule(static) if (worth_a_team(n))
  for (int64_t b = 0; b < blocks; ++b) {
    const float* p = x.data + b * block;
    const float* q = y.data + b * block;
    const int64_t count = std::min(block, n - b * block);
    double lanes[16] = {};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
      for (int lane = 0; lane < 16; ++lane)
        lanes[lane] =
            std::fma(static_cast<double>(p[i + lane]), static_cast<double>(q[i + lane]), lanes[lane]);
    for (int lane = 0; i + lane < count; ++lane)
      lanes[lane] = std::fma(static_cast<double>(p[i + lane]), static_cast<double>(q[i + lane]), lanes[lane]);
    double sum = 0;
    for (const double lane : lanes) sum += lane;
    partial[static_cast<size_t>(b)] = sum;
  }
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

void scaled_sum(const Tensor& x, double a, const Tensor& y, Tensor z) {
  const int64_t n = z.size();
#pragma omp parallel for simd schedule(static) if (worth_a_team(n))
  for (int64_t i = 0; i < n; ++i)
    z.data[i] =
        static_cast<float>(std::fma(a, static_cast<double>(y.data[i]), static_cast<double>(x.data[i])));
}

}  // namespace cohort::cpu
