// What a recipe makes of a data set's rows: where they come from, and each as token ids.
#pragma once

#include <memory>
#include <string>

#include "data/row_source.h"
#include "model/config.h"
#include "run/chat_format.h"
#include "run/problem.h"
#include "run/recipe.h"

namespace cohort {

// What the rows of a data set bring.
enum class RowKind { prompts, completions, pairs, samples };
RowKind row_kind(const Recipe& recipe);
// Of those held out: prompts, which rewards judge the policy's answers to; of a recipe without rewards whose rows bring completions, these,
// whose loss is measured.
RowKind held_out_kind(const Recipe& recipe);

// The rows of a file, or of a built-in task (the recipe's task_digits, task_problems and seed).
std::unique_ptr<RowSource> open_rows(const std::string& data, const Recipe& recipe, RowKind kind = RowKind::prompts);
// For a look at the first `count`, which are found, or as many as there are.
std::unique_ptr<RowSource> open_first_rows(const std::string& data, const Recipe& recipe, int64_t count);

class ProblemMaker {
 public:
  // `data`: what errors call the rows.
  ProblemMaker(std::string data, const Recipe& recipe, const Tokenizer& tokenizer);

  // A row as the recipe's model would see it, whatever its length. From any thread.
  Problem make(Row row, RowKind kind) const;

  // The same for a run; throws Error naming the row where it is empty, too long for max_prompt_length or for the context with its
  // completion, or not in the vocabulary.
  Problem make_checked(Row row, RowKind kind, const ModelConfig& config) const;

 private:
  std::string name_of(const Row& row) const;
  void check(const Problem& problem, RowKind kind, const ModelConfig& config) const;

  std::string data_;
  Recipe recipe_;
  Tokenizer tokenizer_;
  ChatFormat chat_;
};

}  // namespace cohort
