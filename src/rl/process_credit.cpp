// Process supervision (DeepSeekMath, arXiv 2402.03300, section 4.1.3): with r~ the step rewards of a group
// normalised together, A_t = sum of r~_j over the steps j with end_j > t.
#include <cmath>
#include <vector>

#include "base/check.h"
#include "rl/credit.h"

namespace cohort {
namespace {

void append_rewards(const Group& group, std::vector<double>& rewards) {
  for (const Sample& sample : group.samples)
    for (const StepReward& step : sample.steps) rewards.push_back(step.reward);
}

void write_advantages(Sample& sample, double mean, double scale, bool comparable) {
  if (sample.steps.empty() || sample.completion_ids.empty()) {
    sample.advantages = {0.0f};
    return;
  }
  int32_t t = static_cast<int32_t>(sample.completion_ids.size());
  sample.advantages.assign(sample.completion_ids.size(), 0.0f);
  double credit = 0;  // of the steps that end after t
  for (size_t j = sample.steps.size(); j-- > 0;) {
    const StepReward& step = sample.steps[j];
    COHORT_CHECK(step.end >= 0 && step.end <= t, "step {} ends at {}, the next at {}", j, step.end, t);
    for (; t > step.end; --t)
      if (sample.is_sampled(t - 1)) sample.advantages[t - 1] = static_cast<float>(credit);
    if (comparable && !std::isnan(step.reward)) credit += (step.reward - mean) / scale;
  }
  for (; t > 0; --t)
    if (sample.is_sampled(t - 1)) sample.advantages[t - 1] = static_cast<float>(credit);
}

}  // namespace

void process_advantages(std::span<Group> groups, const CreditOptions& options) {
  constexpr double epsilon = 1e-4;
  std::vector<double> rewards;
  double batch_std = 0;
  if (options.scale_rewards == ScaleRewards::batch) {
    for (const Group& group : groups) append_rewards(group, rewards);
    batch_std = reward_stats(rewards).std;
  }
  for (Group& group : groups) {
    rewards.clear();
    append_rewards(group, rewards);
    const RewardStats stats = reward_stats(rewards);
    double scale = 1;
    if (options.scale_rewards == ScaleRewards::group) scale = stats.std + epsilon;
    if (options.scale_rewards == ScaleRewards::batch) scale = batch_std + epsilon;
    for (Sample& sample : group.samples) write_advantages(sample, stats.mean, scale, stats.computed > 1);
  }
}

}  // namespace cohort
