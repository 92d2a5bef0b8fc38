// RFT's data: the starting model's own right completions, sampled once before step 1.
#pragma once

#include "rl/rejection.h"
#include "rl/source.h"
#include "run/recipe.h"

namespace cohort {

// num_generations completions of each problem, those kept that reach reward_threshold, without duplicates and
// without those that were cut at the length limit. They stand in OUTPUT_DIR/own_completions.jsonl, written
// whole before training begins; `resume` reads them from there. Throws Error where none is kept.
Problems own_completions(const Recipe& recipe, const Model& start, const Tokenizer& tokenizer,
                         const Problems& problems, std::span<const RewardFunction> rewards,
                         const GenerationOptions& generation, bool resume);

}  // namespace cohort
