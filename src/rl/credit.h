// Credit: what each completion, or token, is worth. Once per roll-out, over whole groups, pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/sample.h"

namespace cohort {

// What the rewards' distance from their group's mean is divided by (TRL's scale_rewards).
//   group: the group's standard deviation + 1e-4 (DeepSeekMath, arXiv 2402.03300, section 4.1.2)
//   batch: the whole batch's standard deviation + 1e-4
//   none:  nothing (Dr. GRPO, arXiv 2503.20783)
enum class ScaleRewards { group, batch, none };

// How several rewards become one advantage (TRL's multi_objective_aggregation).
//   sum_then_normalize: the weighted sum is compared within the group
//   normalize_then_sum: each reward is normalised within its group, the weighted sum of them over the batch (GDPO, arXiv 2601.05242)
enum class RewardAggregation { sum_then_normalize, normalize_then_sum };

struct CreditOptions {
  ScaleRewards scale_rewards = ScaleRewards::group;
  RewardAggregation multi_objective_aggregation = RewardAggregation::sum_then_normalize;
  std::vector<double> reward_weights;  // of Sample::rewards in their order; empty: 1 each
  // PPO, names and defaults of TRL's PPOConfig.
  double kl_coef = 0.05;  // reward of a token: - kl_coef * log(pi_old / pi_ref); 0: samples need no ref_log_probs
  double gamma = 1.0, lam = 0.95;
  bool whiten_advantages = true;  // over the whole batch's sampled tokens, to mean 0 and variance 1
};

// A credit rule writes Sample::advantages of every sample (one number for all tokens, or one per token) from
// rewards and whatever else the samples hold.
using CreditRule = void (*)(std::span<Group> groups, const CreditOptions& options);

// A = (R - mean) / (std + 1e-4), std with n - 1. A reward that could not be computed (NaN) enters neither
// mean nor std and its sample gets advantage 0; so does every sample of a group with fewer than two computed
// rewards. A group whose rewards are all equal gets exactly 0 everywhere.
// With normalize_then_sum: S = sum over functions of weight * (r - mean) / (std + 1e-4) within the group, a
// reward that is NaN or has no other to compare with counting 0; A = (S - mean) / (std + 1e-4) over the
// batch, whatever scale_rewards is. A sample without any comparable reward gets 0 and takes no part in the
// batch's mean and std.
void group_advantages(std::span<Group> groups, const CreditOptions& options);

// Advantage 1 for every sample: supervised learning.
void constant_credit(std::span<Group> groups, const CreditOptions& options);

// Advantage = the reward: Online RFT, where it is 0 or 1 (arXiv 2402.03300, section 5.2.1). NaN gives 0.
void reward_credit(std::span<Group> groups, const CreditOptions& options);

// Leave-one-out: A = R - mean of the others' R (RLOO, arXiv 2402.14740). NaN and groups of one as in
// group_advantages; scale_rewards is not used.
void leave_one_out_advantages(std::span<Group> groups, const CreditOptions& options);

// REINFORCE++ (arXiv 2501.03262) as verl has it: A = (x - mean) / sqrt(variance + 1e-8), mean and variance (n
// - 1) over all sampled tokens of the batch, each with its sample's x.
//   batch_advantages: x = R. With a KL penalty in the token rewards it is gae_advantages with gamma and lam 1 and no
//     values.
//   group_baseline_advantages: x = R - the group's mean. Unlike verl, a group with fewer than two computed rewards gets 0.
// NaN takes no part and gives 0; all x equal give exactly 0. scale_rewards is not used.
void batch_advantages(std::span<Group> groups, const CreditOptions& options);
void group_baseline_advantages(std::span<Group> groups, const CreditOptions& options);

// Process supervision (arXiv 2402.03300, section 4.1.3): the rewards of all steps of all samples of a group
// are normalised together as group_advantages has it (scale_rewards included), and A_t is the sum of the
// normalised rewards of the steps that end after token t (end > t). An uncomputed step counts 0 and enters
// neither mean nor std. A sample without steps gets 0, and so does a group with fewer than two computed
// steps.
void process_advantages(std::span<Group> groups, const CreditOptions& options);

// Generalised advantage estimation (arXiv 1506.02438) over sampled tokens, inserted ones left out:
//   r_t = - kl_coef log(pi_old / pi_ref), plus Sample::reward at the last
//   delta_t = r_t + gamma V_{t+1} - V_t, with V = 0 after the last
//   A_t = sum over l of (gamma lam)^l delta_{t+l}
// Writes returns = A + values, then, whitened where options say so (as TRL's masked_whiten, 1e-8 inside the
// root), advantages, both per token. Inserted tokens have advantage 0 and returns = values. A sample without
// values counts V = 0 (REINFORCE with lam 1). A sample whose reward is NaN gets advantage 0 and returns =
// values, and takes no part in whitening. Where kl_coef is not 0 every sample needs ref_log_probs.
void gae_advantages(std::span<Group> groups, const CreditOptions& options);

// Of one completion, from one sample: the sum over its sampled tokens of log(pi_old / pi_ref). Needs ref_log_probs.
double kl_to_reference(const Sample& sample);

// What `rule` makes of rewards with the KL penalty inside them, Sample::reward itself staying as it is:
// R - kl_coef * kl_to_reference (verl's use_kl_in_reward, TRL's RLOO).
void credit_with_kl(CreditRule rule, std::span<Group> groups, const CreditOptions& options);

// Mean and standard deviation (n - 1) of the numbers that are not NaN. std is 0 where they are all equal, NaN
// where there are fewer than two; mean is NaN where there are none.
struct RewardStats {
  int64_t computed = 0;
  double mean = 0, std = 0;
};
RewardStats reward_stats(std::span<const double> rewards);

}  // namespace cohort
