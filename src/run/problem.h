// A row as token ids.
#pragma once

#include <string>

#include "data/rows.h"
#include "rl/source.h"
#include "text/tokenizer.h"

namespace cohort {

// The prompt is tokenised with the tokenizer's special tokens (a BOS where it has one) unless the text begins with them; what a chat
// template rendered brought its own. `supervised`: the completion is wanted as well, of a conversation everything after its prompt.
Problem make_problem(Row row, bool supervised, const Tokenizer& tokenizer);

// A row of a chosen and a rejected completion. Throws Error with `place` where the two have the same tokens.
Problem make_pair(const Row& row, const std::string& place, const Tokenizer& tokenizer);

// The prompt's tokens are trained on as well, all but the first, which nothing predicts.
void train_on_prompt(Problem& problem);

}  // namespace cohort
