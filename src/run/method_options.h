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

CreditOptions credit_options(const Recipe& recipe, const Method& method);

// Writes the groups' advantages by the rule that advantage_estimator and supervision choose (else the method's own),
// with the KL penalty in the rewards where the recipe wants it there.
void give_credit(const Recipe& recipe, const Method& method, const CreditOptions& options,
                 std::span<Group> groups);

// Whether the rewards pay for the KL divergence from the reference.
bool kl_in_reward(const Recipe& recipe, const Method& method);

ImportanceOptions importance_options(const Recipe& recipe);

// Whether log-probs of a second model are wanted, and whose.
bool needs_reference(const Recipe& recipe, const Method& method);

}  // namespace cohort
