// Normalisation: what one token weighs in the objective. Computed once over the whole batch of an optimizer
// step, never per micro-batch, so that the result does not depend on how the batch is cut.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/sample.h"

namespace cohort {

// N samples in the optimizer step, |o| sampled tokens of a sample (TRL's loss_type).
//   grpo:    1 / (N |o|)                    a mean over a sample's tokens, then over samples (DeepSeekMath, equation 3)
//   bnpo:    1 / sum |o|                    over the step's tokens
//   dr_grpo: 1 / (N max_completion_length)  (Dr. GRPO, arXiv 2503.20783)
//   dapo:    1 / sum |o|                    over the whole roll-out's tokens, divided by the steps it is cut into
//   cispo, vespo: as dapo
//   sapo, gmpo, r1: as grpo
//   luspo:   1 / N                          a sum over a sample's tokens: long samples weigh more (arXiv 2602.05261)
// The names beyond dapo and luspo also have policy terms of their own (see coefficient_policy.h). gmpo and
// r1 are not TRL's.
enum class LossType { grpo, bnpo, dr_grpo, dapo, cispo, sapo, luspo, vespo, gmpo, r1 };

struct NormalizeOptions {
  LossType loss_type = LossType::dapo;
  int32_t max_completion_length = 512;  // dr_grpo
  // dapo, cispo, vespo: sampled tokens of the whole roll-out / optimizer steps that it is cut into; 0: the
  // batch is the whole roll-out.
  double tokens_per_step = 0;
};

// The weight of each sampled token of each sample, samples in the order of the groups. Inserted tokens weigh
// nothing and count nowhere; a sample without sampled tokens gets 0.
std::vector<double> token_weights(std::span<const Group> batch, const NormalizeOptions& options);

// Sampled tokens of all samples.
int64_t sampled_tokens(std::span<const Group> groups);

}  // namespace cohort
