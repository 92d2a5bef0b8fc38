// Rewards for the length of a completion, in sampled tokens.
#include "base/check.h"
#include "reward/rules.h"

namespace cohort {

// DAPO (arXiv 2503.14476, equation 13): 0 up to soft_punish_cache tokens before max_completion_length, then
// falling in a line to -1 at it. Differs in that a completion cannot be longer than that.
const RewardRule kSoftOverlongRule = {
    "soft_overlong_punishment",
    "0, and from soft_punish_cache tokens before max_completion_length falling to -1 at it (DAPO)",
    [](const RewardSettings& s, int64_t most, RewardFunction& f) {
      if (s.soft_punish_cache < 1 || s.soft_punish_cache > most)
        fail("{} needs soft_punish_cache of 1 to max_completion_length ({}), found {}",
             kSoftOverlongRule.name, most, s.soft_punish_cache);
      const int64_t cache = s.soft_punish_cache, free = most - cache;
      f.call = [cache, free](const RewardInput& input) {
        const int64_t over = input.completion_tokens - free;
        return computed(over <= 0 ? 0 : -static_cast<double>(over) / static_cast<double>(cache));
      };
    }};

}  // namespace cohort
