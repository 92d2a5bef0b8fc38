// What a recipe says of its rewards: which functions, and what these need to know. Names and defaults are TRL's
// and open-r1's where they have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace cohort {

struct RewardSettings {
  std::vector<std::string> reward_funcs;
  std::vector<double> reward_weights;  // empty: 1 each
  int64_t soft_punish_cache = 0;  // tokens before max_completion_length where soft_overlong_punishment begins
};

// Declares them, which must outlive the table, below a heading.
void add_reward_settings(OptionTable& table, RewardSettings& settings);

}  // namespace cohort
