#include "rl/credit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rl/multi_objective.h"

namespace cohort {

RewardStats reward_stats(std::span<const double> rewards) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  RewardStats stats{0, nan, nan};
  double sum = 0, low = std::numeric_limits<double>::infinity(), high = -low;
  for (double r : rewards) {
    if (std::isnan(r)) continue;
    ++stats.computed;
    sum += r;
    low = std::min(low, r);
    high = std::max(high, r);
  }
  if (stats.computed == 0) return stats;
  if (low == high) {  // no rounding: equal rewards have no spread
    stats.mean = low;
    if (stats.computed > 1) stats.std = 0;
    return stats;
  }
  stats.mean = sum / static_cast<double>(stats.computed);
  double squares = 0;
  for (double r : rewards)
    if (!std::isnan(r)) squares += (r - stats.mean) * (r - stats.mean);
  stats.std = std::sqrt(squares / static_cast<double>(stats.computed - 1));
  return stats;
}

void group_advantages(std::span<Group> groups, const CreditOptions& options) {
  if (options.multi_objective_aggregation == RewardAggregation::normalize_then_sum)
    return normalized_sum_advantages(groups, options);
  constexpr double epsilon = 1e-4;
  std::vector<double> rewards;
  double batch_std = 0;
  if (options.scale_rewards == ScaleRewards::batch) {
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) rewards.push_back(sample.reward);
    batch_std = reward_stats(rewards).std;
  }
  for (Group& group : groups) {
    rewards.clear();
    for (const Sample& sample : group.samples) rewards.push_back(sample.reward);
    const RewardStats stats = reward_stats(rewards);
    double scale = 1;
    if (options.scale_rewards == ScaleRewards::group) scale = stats.std + epsilon;
    if (options.scale_rewards == ScaleRewards::batch) scale = batch_std + epsilon;
    for (Sample& sample : group.samples) {
      const bool comparable = stats.computed > 1 && !std::isnan(sample.reward);
      sample.advantages = {comparable ? static_cast<float>((sample.reward - stats.mean) / scale) : 0.0f};
    }
  }
}

void constant_credit(std::span<Group> groups, const CreditOptions&) {
  for (Group& group : groups)
    for (Sample& sample : group.samples) sample.advantages = {1.0f};
}

void reward_credit(std::span<Group> groups, const CreditOptions&) {
  for (Group& group : groups)
    for (Sample& sample : group.samples)
      sample.advantages = {std::isnan(sample.reward) ? 0.0f : static_cast<float>(sample.reward)};
}

void leave_one_out_advantages(std::span<Group> groups, const CreditOptions&) {
  std::vector<double> rewards;
  for (Group& group : groups) {
    rewards.clear();
    for (const Sample& sample : group.samples) rewards.push_back(sample.reward);
    const RewardStats stats = reward_stats(rewards);
    const double n = static_cast<double>(stats.computed);
    for (Sample& sample : group.samples) {
      const bool comparable = stats.computed > 1 && !std::isnan(sample.reward);
      // R - (n mean - R) / (n - 1), in a form that is exactly 0 where all are equal
      sample.advantages = {comparable ? static_cast<float>((sample.reward - stats.mean) * (n / (n - 1)))
                                      : 0.0f};
    }
  }
}

}  // namespace cohort
