// DAPO's dynamic sampling (arXiv 2503.14476, section 3.2): a group whose rewards are all equal has no
// gradient, so prompts are drawn until the batch is full of groups that differ. Differs from the paper and
// from verl's filter_groups in that only the missing groups are drawn again, so none that differ are thrown
// away, and in what the cap does: the batch is then filled with the groups of the last draw, whatever their
// rewards.
#pragma once

#include <span>

#include "rl/sample.h"

namespace cohort {

// Whether two computed rewards of the group differ.
bool rewards_differ(const Group& group);

// What dynamic sampling did for one rollout.
struct FilterCounts {
  int64_t draws = 0, groups = 0, kept = 0;  // groups drawn, and those of them whose rewards differ
  double reward = 0;                        // sum over all samples drawn that have a reward
  int64_t rewards = 0;                      // how many
  void add(std::span<const Group> drawn);
};

}  // namespace cohort
