// One tile of logits of the vocabulary head (see log_prob.h).
#pragma once

#include "ops/log_prob.h"

namespace cohort::cpu {

// logits (T, V) of rows begin .. begin + T - 1. Writes the results of these rows' targets and, with seeds,
// replaces the logits by the gradient of sum_r seed_r * log_prob_r + entropy_seed_r * entropy_r.
void head_tile(Tensor logits, float inv_temperature, const HeadTargets& targets, const HeadSeeds* seeds,
               int64_t begin, std::span<float> log_prob, std::span<float> entropy);

}  // namespace cohort::cpu
