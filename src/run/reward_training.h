// A run that trains a reward model.
#pragma once

#include <functional>

#include "run/reward_recipe.h"

namespace cohort {

// Trains by the recipe into its output_dir: metrics.jsonl, eval_samples.jsonl (values of held-out rows),
// checkpoints that AutoModelForSequenceClassification opens, with tokenizer and reward_model.json beside the
// model, and reward_evaluation.json, the last evaluation. True where the run is finished, false where
// `stop_requested` ended it.
bool train_reward(const RewardRecipe& recipe, const std::function<bool()>& stop_requested);

}  // namespace cohort
