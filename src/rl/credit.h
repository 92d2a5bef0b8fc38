// Credit: what each completion, or token, is worth. Once per roll-out, over whole groups, pure.
#pragma once

#include <cstdint>
#include <span>

#include "rl/sample.h"

namespace cohort {

// What the rewards' distance from their group's mean is divided by (TRL's scale_rewards).
//   group: the group's standard deviation + 1e-4 (DeepSeekMath, arXiv 2402.03300, section 4.1.2)
//   batch: the whole batch's standard deviation + 1e-4
//   none:  nothing (Dr. GRPO, arXiv 2503.20783)
enum class ScaleRewards { group, batch, none };

struct CreditOptions {
  ScaleRewards scale_rewards = ScaleRewards::group;
};

// A credit rule writes Sample::advantages of every sample (one number for all tokens, or one per token) from
// rewards and whatever else the samples hold.
using CreditRule = void (*)(std::span<Group> groups, const CreditOptions& options);

// A = (R - mean) / (std + 1e-4), std with n - 1. A reward that could not be computed (NaN) enters neither
// mean nor std and its sample gets advantage 0; so does every sample of a group with fewer than two computed
// rewards. A group whose rewards are all equal gets exactly 0 everywhere.
void group_advantages(std::span<Group> groups, const CreditOptions& options);

// Advantage 1 for every sample: supervised learning.
void constant_credit(std::span<Group> groups, const CreditOptions& options);

// Mean and standard deviation (n - 1) of the numbers that are not NaN. std is 0 where they are all equal, NaN
// where there are fewer than two; mean is NaN where there are none.
struct RewardStats {
  int64_t computed = 0;
  double mean = 0, std = 0;
};
RewardStats reward_stats(std::span<const double> rewards);

}  // namespace cohort
