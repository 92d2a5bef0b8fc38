// Rotary position embedding in the Hugging Face (half-rotated) form: with a = x[i], b = x[i + D/2],
//   x[i] = a cos - b sin, x[i + D/2] = b cos + a sin, at angle position * frequency_i.
#pragma once

#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace cohort {

// How a model was stretched beyond the context of its pretraining, as transformers' modeling_rope_utils has it.
//   linear    divides all frequencies by factor
//   llama3    divides those of long waves
//   yarn      divides those that turn less than beta_slow times in the original context (arXiv 2309.00071), and scales cos
//             and sin by attention_factor
//   longrope  divides frequency i by short_factor[i] (arXiv 2402.13753), within the original context; the same scale
//   dynamic   changes nothing within max_position_embeddings
struct RopeScaling {
  enum class Kind { none, linear, llama3, yarn, longrope, dynamic } kind = Kind::none;
  double factor = 1, low_freq_factor = 1, high_freq_factor = 4;
  int64_t original_max_position_embeddings = 8192;
  double attention_factor = 1, beta_fast = 32, beta_slow = 1;
  bool truncate = true;  // yarn: the ends of its ramp are whole numbers
  std::vector<double> short_factor = {};
};

// yarn's attention_factor where a configuration names none.
double yarn_attention_factor(double factor, double mscale = 1);

// The D/2 frequencies, as transformers computes them (rounded to float), with the project's own pow and log.
std::vector<float> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling);

// Tables of cos and sin, grown on demand: (positions, D/2) each. The angle is the float product position *
// frequency, its cos and sin are computed in double by the project's own functions, rounded to float, and multiplied by
// `scale` in float.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(std::vector<float> frequencies, double scale = 1)
      : frequencies_(std::move(frequencies)), scale_(static_cast<float>(scale)) {}
  void grow(int64_t positions);  // not thread-safe: call before using the rows
  const float* cos(int64_t position) const { return cos_.data() + position * half(); }
  const float* sin(int64_t position) const { return sin_.data() + position * half(); }
  int64_t half() const { return static_cast<int64_t>(frequencies_.size()); }
  int64_t positions() const { return positions_; }

 private:
  std::vector<float> frequencies_, cos_, sin_;
  float scale_ = 1;
  int64_t positions_ = 0;
};

// Rotates `heads` vectors of width D at columns first .. of each row of x (N, width), in place.
// The backward rotation of gradients is the rotation by the negative angle (the transpose, scale included).
void rope(Tensor x, int64_t first, int64_t heads, std::span<const int32_t> positions, const RopeTable& table,
          bool backward);

}  // namespace cohort
