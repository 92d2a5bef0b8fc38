// The vocabulary head: log-probabilities and entropies of chosen tokens, and their gradient, without an (N,
// V) buffer. All are of the distribution softmax(logits / temperature); logits are multiplied by the float 1
// / temperature. Reductions over V run in 16 fixed lanes by absolute index inside chunks at absolute
// boundaries; rollout's sampler and the training head use the same function, so a recorded log-prob equals
// the training forward's, bit for bit.
#pragma once

#include <span>

#include "ops/matmul.h"
#include "tensor/tensor.h"

namespace cohort {

// Workspace of logits: as many rows as fit in this (at least 16).
inline constexpr int64_t kHeadWorkspaceBytes = int64_t{64} << 20;

// Rows of hidden states whose logits are held at once, of `rows` in all.
int64_t head_tile_rows(int64_t rows, int64_t vocab);

struct LogitStats {
  float lse;      // log sum exp of the scaled logits
  float entropy;  // in nats
};
// One row of V raw logits. log p(token) = logits[token] * inv_temperature - lse (one rounded product, then a
// difference).
LogitStats logit_stats(const float* logits, int64_t vocab, float inv_temperature);
inline float log_prob_of(float logit, float inv_temperature, float lse) {
  const float scaled = logit * inv_temperature;
  return scaled - lse;
}

// Which tokens are asked of each hidden row: targets[offsets[i] .. offsets[i + 1]) for row i. offsets (N +
// 1), targets (R).
struct HeadTargets {
  std::span<const int32_t> offsets, targets;
};

// Seeds known beforehand: objective's derivative by each log-prob and each row's entropy, (R) both; entropy
// may be empty.
struct HeadSeeds {
  std::span<const float> log_prob, entropy;
};

// hidden (N, C) after the final norm. log_prob (R), entropy (R): entropy of the distribution that row r was
// drawn from.
void log_prob_forward(const Tensor& hidden, const PackedWeight& head, float inv_temperature,
                      const HeadTargets& targets, std::span<float> log_prob, std::span<float> entropy);

// The same and the gradient in one pass: d_hidden (N, C) is written, d_head (V, C), which may be empty,
// continues its chain over the rows. `head_weight` is the unpacked (V, C), or empty. Seeds are those of a sum to be
// *ascended or descended* as the caller defines: the gradient returned is of sum_r seed_r * log_prob_r +
// entropy_seed_r * entropy_r.
void log_prob_forward_backward(const Tensor& hidden, const PackedWeight& head, const Tensor& head_weight,
                               float inv_temperature, const HeadTargets& targets, const HeadSeeds& seeds,
                               std::span<float> log_prob, std::span<float> entropy, Tensor d_hidden,
                               Tensor d_head);

}  // namespace cohort
