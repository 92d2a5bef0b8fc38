// The problems of a run: rows from a file or a built-in task, split by hash of the question, as token ids.
#pragma once

#include <vector>

#include "model/config.h"
#include "rl/source.h"
#include "run/recipe.h"
#include "text/tokenizer.h"

namespace cohort {

struct Datasets {
  std::vector<Problem> train, eval;
};

// Prompts are tokenised with the tokenizer's special tokens (a BOS where it has one) unless the text begins
// with them; rows of messages are rendered by the chat template, which writes its own. Throws Error naming the row where a prompt is empty, longer than max_prompt_length, or too long
// for the context with its completion.
Datasets load_datasets(const Recipe& recipe, const Tokenizer& tokenizer, const ModelConfig& config);

// The rows of a JSONL file, or of a built-in task (the recipe's task_digits, task_problems and seed), as they
// stand.
std::vector<Row> load_rows(const std::string& data, const Recipe& recipe);

// The rows' prompts as the recipe's model would see them, whatever their length.
std::vector<Problem> prompts_of(std::vector<Row> rows, const Recipe& recipe, const Tokenizer& tokenizer);

// One row as a problem. `supervised`: the completion is wanted as well, of a conversation everything after
// its prompt.
Problem make_problem(Row row, bool supervised, const Tokenizer& tokenizer);

// The tokens that end a completion: the configuration's, else the tokenizer's.
std::vector<int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer);

// The recipe's sampling settings.
GenerationOptions generation_options(const Recipe& recipe, const ModelConfig& config,
                                     const Tokenizer& tokenizer);

}  // namespace cohort
