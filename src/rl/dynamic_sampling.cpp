#include "rl/dynamic_sampling.h"

#include <cmath>

#include "rl/credit.h"

namespace cohort {

bool rewards_differ(const Group& group) {
  std::vector<double> rewards;
  for (const Sample& s : group.samples) rewards.push_back(s.reward);
  return reward_stats(rewards).std > 0;
}

void FilterCounts::add(std::span<const Group> drawn) {
  ++draws;
  groups += static_cast<int64_t>(drawn.size());
  for (const Group& group : drawn) {
    kept += rewards_differ(group);
    for (const Sample& s : group.samples) {
      if (std::isnan(s.reward)) continue;
      reward += s.reward;
      ++rewards;
    }
  }
}

}  // namespace cohort
