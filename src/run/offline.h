// Samples that another engine drew, in a file: what GRPO and its kin train on instead of sampling.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rl/source.h"

namespace cohort {

// Rows with a completion and `log_probs`, the sampler's, one number for each of its tokens; rows of one
// prompt that stand behind one another make a problem. Throws Error naming `data` and the line where
// log-probs are missing, are no numbers or of another count than the tokens, and where a prompt has not
// num_generations completions.
std::vector<Problem> offline_problems(std::vector<Row> rows, const std::string& data, int64_t num_generations,
                                      const Tokenizer& tokenizer);

// The groups of such problems. log_probs, entropies and weights are not written.
std::vector<Group> offline_groups(std::span<const Drawn> drawn);

}  // namespace cohort
