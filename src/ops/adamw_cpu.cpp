#include <algorithm>
#include <vector>

#include "ops/kernels.h"

namespace cohort::cpu {

void adamw(Tensor w, const Tensor& g, Tensor m, Tensor v, const AdamWScalars& s) {
  const int64_t n = w.size();
  float* __restrict weight = w.data;
  float* __restrict first = m.data;
  float* __restrict second = v.data;
  const float* __restrict gradient = g.data;
#pragma omp parallel for simd schedule(static) if (worth_a_team(n))
  for (int64_t i = 0; i < n; ++i) {
    const float d = s.gradient_scale * gradient[i];
    first[i] = std::fma(s.one_minus_beta1, d - first[i], first[i]);
    second[i] = std::fma(s.one_minus_beta2 * d, d, s.beta2 * second[i]);
    const float denominator = std::fma(std::sqrt(second[i]), s.inverse_root_correction2, s.epsilon);
    weight[i] = weight[i] * s.decay - s.step_size * (first[i] / denominator);
  }
}

double sum_of_squares(const Tensor& x) {
  constexpr int64_t block = 4096;
  const int64_t n = x.size(), blocks = (n + block - 1) / block;
  std::vector<double> partial(static_cast<size_t>(blocks));
#pragma omp parallel for schedule(static) if (worth_a_team(n))
  for (int64_t b = 0; b < blocks; ++b) {
    const float* p = x.data + b * block;
    const int64_t count = std::min(block, n - b * block);
    double lanes[16] = {};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
      for (int lane = 0; lane < 16; ++lane)
        lanes[lane] =
            std::fma(static_cast<double>(p[i + lane]), static_cast<double>(p[i + lane]), lanes[lane]);
    for (int lane = 0; i + lane < count; ++lane)
      lanes[lane] = std::fma(static_cast<double>(p[i + lane]), static_cast<double>(p[i + lane]), lanes[lane]);
    double sum = 0;
    for (const double lane : lanes) sum += lane;
    partial[static_cast<size_t>(b)] = sum;
  }
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

}  // namespace cohort::cpu
