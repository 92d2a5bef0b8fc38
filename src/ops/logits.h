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

// The same, and leaves e_i in place of logit i.
LogitChunk logit_chunk_in_place(float* logits, int64_t count, float inv_temperature);

// All chunks of a row merged in their order.
LogitStats merge_logit_chunks(std::span<const LogitChunk> chunks);

// weights[i] = exp(x_i - max), the e_i of logit_chunk.
void logit_weights(const float* logits, int64_t count, float inv_temperature, float max, float* weights);

// With p_i = e_i * exp(chunk.max - lse), replaces each logit of a chunk by p_i * (a + b * (x_i - lse +
// entropy)).
void logit_gradient(float* logits, int64_t count, float inv_temperature, const LogitChunk& chunk,
                    const LogitStats& stats, float a, float b);

// The same for b = 0, bit for bit, where logit_chunk_in_place has left the e_i.
void weights_gradient(float* weights, int64_t count, const LogitChunk& chunk, const LogitStats& stats,
                      float a);

// Writes the indices i with x_i >= bound in increasing order and returns how many there are; `indices` holds
// `count`.
int64_t logits_at_least(const float* logits, int64_t count, float inv_temperature, float bound,
                        int32_t* indices);

}  // namespace cohort
