#include "rl/multi_objective.h"

#include <cmath>

#include "base/check.h"

namespace cohort {
namespace {

constexpr double kEpsilon = 1e-4;

// The weighted sum of the normalised rewards of a group's samples; NaN where a sample has none to compare.
std::vector<double> normalized_sums(const Group& group, size_t functions, const CreditOptions& options) {
  std::vector<double> sums(group.samples.size(), std::nan("")), rewards;
  for (size_t k = 0; k < functions; ++k) {
    rewards.clear();
    for (const Sample& sample : group.samples) rewards.push_back(sample.rewards[k].second);
    const RewardStats stats = reward_stats(rewards);
    if (stats.computed < 2) continue;
    const double weight = options.reward_weights.empty() ? 1.0 : options.reward_weights[k];
    for (size_t i = 0; i < sums.size(); ++i) {
      if (std::isnan(rewards[i])) continue;
      const double before = std::isnan(sums[i]) ? 0.0 : sums[i];
      sums[i] = before + weight * (rewards[i] - stats.mean) / (stats.std + kEpsilon);
    }
  }
  return sums;
}

}  // namespace

void normalized_sum_advantages(std::span<Group> groups, const CreditOptions& options) {
  std::vector<double> sums;
  size_t functions = options.reward_weights.size();
  for (const Group& group : groups) {
    for (const Sample& sample : group.samples) {
      if (functions == 0) functions = sample.rewards.size();
      COHORT_CHECK(sample.rewards.size() == functions, "{} rewards, expected {}", sample.rewards.size(),
                   functions);
    }
    const std::vector<double> group_sums = normalized_sums(group, functions, options);
    sums.insert(sums.end(), group_sums.begin(), group_sums.end());
  }
  const RewardStats stats = reward_stats(sums);
  size_t i = 0;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      const double sum = sums[i++];
      sample.advantages = {std::isnan(sum) ? 0.0f
                                           : static_cast<float>((sum - stats.mean) / (stats.std + kEpsilon))};
    }
}

}  // namespace cohort
