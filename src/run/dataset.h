// The problems of a run: rows from a file or a built-in task, split by hash of the question, as token ids.
#pragma once

#include <functional>
#include <vector>

#include "model/config.h"
#include "rl/source.h"
#include "run/recipe.h"
#include "text/tokenizer.h"

namespace cohort {

struct Longest {
  int64_t prompt = 0, completion = 0;  // tokens
};

struct Datasets {
  Problems train, eval;
  Longest longest_train, longest_eval;
};

// What else is to hold of every problem, `trained` on or held out; throws Error.
using ProblemCheck = std::function<void(const Problem& problem, bool trained)>;

// Looks at every row once; from then on a row is read, rendered and tokenised when it is asked for, so that data may be larger than memory:
// 12 bytes a row stay. Throws Error naming the row where a prompt is empty, longer than max_prompt_length, or too long for the context with
// its completion.
Datasets load_datasets(const Recipe& recipe, const Tokenizer& tokenizer, const ModelConfig& config,
                       const ProblemCheck& check = {});

// The tokens that end a completion: the configuration's, else the tokenizer's.
std::vector<int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer);

// The recipe's sampling settings.
GenerationOptions generation_options(const Recipe& recipe, const ModelConfig& config,
                                     const Tokenizer& tokenizer);

}  // namespace cohort
