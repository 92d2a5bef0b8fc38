// Metrics under TRL's names, in a fixed order, and one-line explanations of numbers that look odd.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rl/coefficient.h"
#include "rl/sample.h"

namespace cohort {

using Metrics = std::vector<std::pair<std::string, double>>;

// NaN where the name is absent.
double metric(const Metrics& metrics, std::string_view name);

// Of a roll-out: reward, reward_std, frac_reward_zero_std, rewards/NAME/mean and /std,
// rewards/NAME/uncomputed (only where some were not computed), completions/{mean,min,max}_length,
// completions/{mean,min,max}_terminated_length, completions/clipped_ratio. Lengths are sampled tokens. A
// completion is terminated unless its finish_reason is "length". A reward whose samples were all uncomputed
// has mean and std NaN (write null). frac_reward_zero_std is the share of samples whose group's rewards are
// all equal.
void add_rollout_metrics(std::span<const Group> groups, Metrics& metrics);

// Of an optimizer step: loss, kl (where beta is not 0), entropy,
// clip_ratio/{low_mean,low_min,high_mean,high_max,region_mean} and ratio/{mean,min,max} (where the rule has a
// ratio).
// Of pairs (where there were some; TRL's DPOTrainer): rewards/{chosen,rejected,accuracies,margins}. A margin
// of exactly 0 counts as wrong.
// With a critic (TRL's PPOTrainer, means over sampled tokens): loss/value_avg = half the squared error as
// counted, val/error = the squared error without clipping, val/clipfrac_avg, policy/approxkl_avg = 0.5 (log
// ratio)^2, policy/clipfrac_avg, and explained_variance = 1 - var(R - V_old) / var(R), NaN where all returns
// R are equal.
void add_update_metrics(const CoefficientSums& sums, const CoefficientOptions& options, Metrics& metrics);

// Tokens of a roll-out as TRL counts num_tokens: each sample's prompt and sampled tokens.
int64_t rollout_tokens(std::span<const Group> groups);

// What the explanations need to know of the recipe.
struct MetricsContext {
  bool on_policy = true;  // this optimizer step is the first after its roll-out
  int32_t max_completion_length = 0;
};

// One line for each odd number: loss 0 while on-policy, no group with differing rewards, every completion cut
// at the limit, clip ratio 0 by construction, rewards that could not be computed, gradient 0 or not finite,
// entropy gone, pairs without or of the wrong margin, chosen completions that become unlikely, a critic that
// explains nothing. Empty when nothing is odd. Each line starts with the metric's name and value.
std::vector<std::string> explain_odd_numbers(const Metrics& metrics, const MetricsContext& context);

}  // namespace cohort
