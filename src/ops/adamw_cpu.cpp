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

}  // namespace cohort::cpu
