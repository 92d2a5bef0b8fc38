#include "reward/settings.h"

namespace cohort {

void add_reward_settings(OptionTable& t, RewardSettings& s) {
  t.section("Rewards");
  t.add("reward_funcs", &s.reward_funcs,
        "reward functions by name, or model:PATH for a reward model (docs/reward_models.md); evaluation "
        "counts a completion as correct where the first pays 1");
  t.add("reward_weights", &s.reward_weights, "a weight for each of reward_funcs; 1 each where empty");
  t.add("soft_punish_cache", &s.soft_punish_cache,
        "soft_overlong_punishment: tokens before max_completion_length over which it falls from 0 to -1")
      .at_least(0);
}

}  // namespace cohort
