// What a recipe says, in the terms of the rules and of the trainer.
#pragma once

#include "rl/importance.h"
#include "rl/methods.h"
#include "rl/trainer.h"
#include "run/recipe.h"

namespace cohort {

// Prompts that one rollout (or one supervised batch) draws, and optimizer steps that use it.
int64_t prompts_per_rollout(const Recipe& recipe, const Method& method);
int64_t steps_per_rollout(const Recipe& recipe, const Method& method);

TrainerOptions trainer_options(const Recipe& recipe, const Method& method);

// The credit rule that advantage_estimator and supervision choose; else the method's own.
CreditRule credit_rule(const Recipe& recipe, const Method& method);
CreditOptions credit_options(const Recipe& recipe);

ImportanceOptions importance_options(const Recipe& recipe);

// Whether log-probs of a second model are wanted, and whose.
bool needs_reference(const Recipe& recipe, const Method& method);

}  // namespace cohort
