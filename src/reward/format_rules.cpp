// Rewards for the shape of a completion.
#include "reward/format.h"
#include "reward/rules.h"

namespace cohort {

const RewardRule kThinkFormatRule = {
    "think_format", "1 where the completion is <think> ... </think> <answer> ... </answer> and nothing else",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = [](const RewardInput& input) { return computed(follows_think_answer(input.completion)); };
    }};

}  // namespace cohort
