// Passes over one row of V logits, shared by the training head and the sampler. Scaled logits are x = logit *
// inv_temperature (rounded to float). Chunks of 4,096 start at absolute indices; inside one, element i
// belongs to lane i mod 16.
#pragma once

#include <cstdint>
#include <span>

#include "ops/log_prob.h"

namespace cohort {

inline constexpr int64_t kLogitChunk = 4096;
inline int64_t logit_chunks(int64_t vocab) { return (vocab + kLogitChunk - 1) / kLogitChunk; }

// With e_i = exp(x_i - max), 0 where x_i < max - 87: sum of e_i, and of e_i * (x_i - max). A NaN or +infinity
// gives max = NaN.
struct LogitChunk {
  float max, sum, dot;
};
LogitChunk logit_chunk(const float* logits, int64_t count, float inv_temperature);

// All chunks of a row merged in their order.
LogitStats merge_logit_chunks(std::span<const LogitChunk> chunks);

// weights[i] = exp(x_i - max), the e_i of logit_chunk.
void logit_weights(const float* logits, int64_t count, float inv_temperature, float max, float* weights);

// With p = exp(x - lse), replaces each logit by p * (a + b * (x - lse + entropy)).
void logit_gradient(float* logits, int64_t count, float inv_temperature, LogitStats stats, float a, float b);

// Writes the indices i with x_i >= bound in increasing order and returns how many there are; `indices` holds
// `count`.
int64_t logits_at_least(const float* logits, int64_t count, float inv_temperature, float bound,
                        int32_t* indices);

}  // namespace cohort
