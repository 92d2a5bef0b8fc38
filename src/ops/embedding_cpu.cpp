#include <algorithm>
#include <cstring>

#include "ops/kernels.h"

namespace cohort::cpu {

void embedding_forward(const Tensor& table, std::span<const int32_t> tokens, Tensor x) {
  const int64_t rows = x.rows(), width = x.cols();
#pragma omp parallel for schedule(static) if (worth_a_team(rows * width))
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(x.row(i), table.row(tokens[i]), static_cast<size_t>(width) * sizeof(float));
}

void embedding_backward(const Tensor& dx, std::span<const int32_t> tokens, Tensor d_table) {
  const int64_t rows = dx.rows(), width = dx.cols();
  // Each thread owns columns, so a token's chain runs over the rows in order.
  const int64_t strips = (width + 63) / 64;
#pragma omp parallel for schedule(static) if (worth_a_team(rows * width))
  for (int64_t strip = 0; strip < strips; ++strip) {
    const int64_t begin = strip * 64, count = std::min<int64_t>(64, width - begin);
    for (int64_t i = 0; i < rows; ++i) {
      const float* from = dx.row(i) + begin;
      float* to = d_table.row(tokens[i]) + begin;
      for (int64_t j = 0; j < count; ++j) to[j] += from[j];
    }
  }
}

}  // namespace cohort::cpu
