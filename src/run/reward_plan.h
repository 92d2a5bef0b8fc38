// The plan of `cohort reward train` before step 1.
#pragma once

#include <span>

#include "rl/reward_trainer.h"
#include "run/plan.h"
#include "run/reward_recipe.h"

namespace cohort {

// For the longest rows of `train`; nothing is sampled and nothing kept from step to step.
Plan make_reward_plan(const RewardRecipe& recipe, const ModelConfig& config,
                      std::span<const RewardExample> train);

// Throws Error where the plan does not fit, saying what to change.
void check(const Plan& plan, int64_t limit, const RewardRecipe& recipe);

}  // namespace cohort
