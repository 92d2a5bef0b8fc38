#include "ops/rope.h"

#include "base/math.h"
#include "ops/kernels.h"

namespace cohort {

std::vector<float> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling) {
  COHORT_CHECK(head_dim > 0 && head_dim % 2 == 0, "head width {}", head_dim);
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    // transformers: 1 / theta^(2i / D) in float arithmetic over float powers.
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    float f = 1.0f / static_cast<float>(pow(theta, exponent));
    if (scaling.kind == RopeScaling::Kind::linear) {
      f /= static_cast<float>(scaling.factor);
    } else if (scaling.kind == RopeScaling::Kind::llama3) {
      // Long wavelengths are divided by the factor, short ones kept, those between interpolated.
      const double pi = 3.14159265358979323846;
      const auto context = static_cast<double>(scaling.original_max_position_embeddings);
      const float wavelength = static_cast<float>(2 * pi) / f;
      if (wavelength > static_cast<float>(context / scaling.low_freq_factor)) {
        f /= static_cast<float>(scaling.factor);
      } else if (!(wavelength < static_cast<float>(context / scaling.high_freq_factor))) {
        const float smooth =
            (static_cast<float>(context) / wavelength - static_cast<float>(scaling.low_freq_factor)) /
            static_cast<float>(scaling.high_freq_factor - scaling.low_freq_factor);
        f = (1.0f - smooth) * f / static_cast<float>(scaling.factor) + smooth * f;
      }
    }
    frequencies[static_cast<size_t>(i)] = f;
  }
  return frequencies;
}

void RopeTable::grow(int64_t positions) {
  if (positions <= positions_) return;
  cos_.resize(static_cast<size_t>(positions * half()));
  sin_.resize(static_cast<size_t>(positions * half()));
#pragma omp parallel for schedule(static) if (worth_a_team(64 * (positions - positions_) * half()))
  for (int64_t p = positions_; p < positions; ++p)
    for (int64_t i = 0; i < half(); ++i) {
      const float angle = static_cast<float>(p) * frequencies_[static_cast<size_t>(i)];
      cos_[static_cast<size_t>(p * half() + i)] = static_cast<float>(cohort::cos(angle));
      sin_[static_cast<size_t>(p * half() + i)] = static_cast<float>(cohort::sin(angle));
    }
  positions_ = positions;
}

void rope(Tensor x, int64_t first, int64_t heads, std::span<const int32_t> positions, const RopeTable& table,
          bool backward) {
  COHORT_CHECK(first >= 0 && first + heads * 2 * table.half() <= x.cols(),
               "{} heads of {} at column {} of {}", heads, 2 * table.half(), first, x.cols());
  COHORT_CHECK(static_cast<int64_t>(positions.size()) == x.rows(), "{} positions, {} rows", positions.size(),
               x.rows());
  for (const int32_t p : positions)
    COHORT_CHECK(p >= 0 && p < table.positions(), "position {} of {}", p, table.positions());
  require_cpu("rope", x.device);
  cpu::rope(x, first, heads, positions, table.cos(0), table.sin(0), table.half(), backward);
}

}  // namespace cohort
