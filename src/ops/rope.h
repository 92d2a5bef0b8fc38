// Rotary position embedding in the Hugging Face (half-rotated) form: with a = x[i], b = x[i + D/2],
//   x[i] = a cos - b sin, x[i + D/2] = b cos + a sin, at angle position * frequency_i.
#pragma once

#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace cohort {

// "linear" divides all frequencies by factor; "llama3" as transformers' _compute_llama3_parameters.
struct RopeScaling {
  enum class Kind { none, linear, llama3 } kind = Kind::none;
  double factor = 1, low_freq_factor = 1, high_freq_factor = 4;
  int64_t original_max_position_embeddings = 8192;
};

// The D/2 frequencies, as transformers computes them (rounded to float), with the project's own pow.
std::vector<float> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling);

// Tables of cos and sin, grown on demand: (positions, D/2) each. The angle is the float product position *
// frequency, its cos and sin are computed in double by the project's own functions and rounded to float.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(std::vector<float> frequencies) : frequencies_(std::move(frequencies)) {}
  void grow(int64_t positions);  // not thread-safe: call before using the rows
  const float* cos(int64_t position) const { return cos_.data() + position * half(); }
  const float* sin(int64_t position) const { return sin_.data() + position * half(); }
  int64_t half() const { return static_cast<int64_t>(frequencies_.size()); }
  int64_t positions() const { return positions_; }

 private:
  std::vector<float> frequencies_, cos_, sin_;
  int64_t positions_ = 0;
};

// Rotates `heads` vectors of width D at columns first .. of each row of x (N, width), in place.
// The backward rotation of gradients is the rotation by the negative angle.
void rope(Tensor x, int64_t first, int64_t heads, std::span<const int32_t> positions, const RopeTable& table,
          bool backward);

}  // namespace cohort
