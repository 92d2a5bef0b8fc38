// REINFORCE++ (arXiv 2501.03262): rewards whitened over all sampled tokens of the batch, with or without the
// group's mean as a baseline. Here no KL penalty is in the rewards, so that all tokens of a sample have one
// advantage.
#include <cmath>
#include <limits>
#include <vector>

#include "rl/credit.h"
#include "rl/whiten.h"

namespace cohort {
namespace {

// `credits`: one for each sample in order, NaN: none.
void whiten_samples(std::span<Group> groups, const std::vector<double>& credits) {
  std::vector<double> tokens;
  for (const Group& group : groups)
    for (const Sample& sample : group.samples) {
      const bool counts = !std::isnan(credits[tokens.size()]);
      tokens.push_back(counts ? static_cast<double>(sample.sampled_tokens()) : 0.0);
    }
  const Whitening whiten = whitening(credits, tokens);
  size_t i = 0;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      const double credit = credits[i++];
      sample.advantages = {std::isnan(credit) ? 0.0f : static_cast<float>(whiten(credit))};
    }
}

}  // namespace

void batch_advantages(std::span<Group> groups, const CreditOptions&) {
  std::vector<double> credits;
  for (const Group& group : groups)
    for (const Sample& sample : group.samples) credits.push_back(sample.reward);
  whiten_samples(groups, credits);
}

void group_baseline_advantages(std::span<Group> groups, const CreditOptions&) {
  std::vector<double> credits, rewards;
  for (const Group& group : groups) {
    rewards.clear();
    for (const Sample& sample : group.samples) rewards.push_back(sample.reward);
    RewardStats stats = reward_stats(rewards);
    if (stats.computed < 2) stats.mean = std::numeric_limits<double>::quiet_NaN();
    for (double reward : rewards) credits.push_back(reward - stats.mean);
  }
  whiten_samples(groups, credits);
}

}  // namespace cohort
