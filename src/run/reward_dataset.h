// The rows that a reward model learns from, as token ids.
#pragma once

#include <vector>

#include "data/rows.h"
#include "model/config.h"
#include "rl/reward_trainer.h"
#include "run/reward_recipe.h"
#include "text/tokenizer.h"

namespace cohort {

struct RewardDatasets {
  std::vector<RewardExample> train, eval;
};

// An end token follows every completion, where the tokenizer has one (TRL); completion_ids are taken as they
// are. A step's value is read at the token in which its separator ends, the last one's at the completion's
// end (rl/steps.h). Rows that are too long are left out, and their number is logged. Throws Error naming the
// row for what cannot be judged, and where no row is left to train on. `with_split`: hold out rows; else all
// are in `train`.
RewardDatasets load_reward_datasets(const RewardRecipe& recipe, const Tokenizer& tokenizer,
                                    const ModelConfig& config, bool with_split);

// The same for rows at hand, named `name` in errors: those of one loss, of data/pairs.h or
// data/reward_rows.h.
std::vector<RewardExample> reward_examples(std::vector<Row> rows, const std::string& name,
                                           const RewardRecipe& recipe, const Tokenizer& tokenizer,
                                           const ModelConfig& config);

}  // namespace cohort
