#include "ops/kernels.h"

namespace cohort::cpu {

void rope(Tensor x, int64_t first, int64_t heads, std::span<const int32_t> positions, const float* cos,
          const float* sin, int64_t half, bool backward) {
  const int64_t rows = x.rows();
  const float sign = backward ? -1.0f : 1.0f;
#pragma omp parallel for schedule(static) if (worth_a_team(rows * heads * half))
  for (int64_t row = 0; row < rows; ++row) {
    const float* c = cos + positions[row] * half;
    const float* s = sin + positions[row] * half;
    for (int64_t head = 0; head < heads; ++head) {
      float* __restrict a = x.row(row) + first + head * 2 * half;
      float* __restrict b = a + half;
      for (int64_t i = 0; i < half; ++i) {
        const float sine = sign * s[i];
        const float rotated = a[i] * c[i] - b[i] * sine;
        b[i] = b[i] * c[i] + a[i] * sine;
        a[i] = rotated;
      }
    }
  }
}

}  // namespace cohort::cpu
