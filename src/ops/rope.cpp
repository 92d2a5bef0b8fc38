#include "ops/rope.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "ops/kernels.h"

namespace cohort {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Long wavelengths are divided by the factor, short ones kept, those between interpolated.
float llama3_frequency(float f, const RopeScaling& s) {
  const auto context = static_cast<double>(s.original_max_position_embeddings);
  const float wavelength = static_cast<float>(2 * kPi) / f;
  if (wavelength > static_cast<float>(context / s.low_freq_factor)) return f / static_cast<float>(s.factor);
  if (wavelength < static_cast<float>(context / s.high_freq_factor)) return f;
  const float smooth = (static_cast<float>(context) / wavelength - static_cast<float>(s.low_freq_factor)) /
                       static_cast<float>(s.high_freq_factor - s.low_freq_factor);
  return (1.0f - smooth) * f / static_cast<float>(s.factor) + smooth * f;
}

// The pairs between which yarn goes over from keeping to dividing.
struct Ramp {
  float low, high;
};

Ramp yarn_ramp(int64_t head_dim, double theta, const RopeScaling& s) {
  const auto context = static_cast<double>(s.original_max_position_embeddings);
  const auto pair_of = [&](double turns) {  // the one that turns so often in the original context
    return static_cast<double>(head_dim) * log(context / (turns * 2 * kPi)) / (2 * log(theta));
  };
  double low = pair_of(s.beta_fast), high = pair_of(s.beta_slow);
  if (s.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace

double yarn_attention_factor(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

std::vector<float> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling) {
  COHORT_CHECK(head_dim > 0 && head_dim % 2 == 0, "head width {}", head_dim);
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  const Ramp ramp = scaling.kind == RopeScaling::Kind::yarn ? yarn_ramp(head_dim, theta, scaling) : Ramp{};
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    // transformers: 1 / theta^(2i / D) in float arithmetic over float powers.
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const float power = static_cast<float>(pow(theta, exponent));
    float f = 1.0f / power;
    if (scaling.kind == RopeScaling::Kind::linear) {
      f /= static_cast<float>(scaling.factor);
    } else if (scaling.kind == RopeScaling::Kind::llama3) {
      f = llama3_frequency(f, scaling);
    } else if (scaling.kind == RopeScaling::Kind::yarn) {
      const float kept = 1.0f - std::clamp((static_cast<float>(i) - ramp.low) / (ramp.high - ramp.low), 0.0f, 1.0f);
      f = 1.0f / (static_cast<float>(scaling.factor) * power) * (1.0f - kept) + f * kept;
    } else if (scaling.kind == RopeScaling::Kind::longrope) {
      f = 1.0f / (static_cast<float>(scaling.short_factor.at(static_cast<size_t>(i))) * power);
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
      cos_[static_cast<size_t>(p * half() + i)] = scale_ * static_cast<float>(cohort::cos(angle));
      sin_[static_cast<size_t>(p * half() + i)] = scale_ * static_cast<float>(cohort::sin(angle));
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
