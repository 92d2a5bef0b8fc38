// Rows that reward models learn from, beside pairs (data/pairs.h): a judged completion, or judged steps
// (TRL's names).
#pragma once

#include <string>
#include <vector>

#include "data/rows.h"

namespace cohort {

// Rows of prompt, completion and label: a number in [0, 1], or a truth value. Errors name file and line.
RowRules labelled_rules();
double label_of(const Row& row);  // of such a row

// Rows of prompt, completions (the steps' texts, none of them blank) and labels (one for each step, as
// above).
RowRules stepwise_rules();
struct LabelledSteps {
  std::vector<std::string> steps;
  std::vector<double> labels;
};
LabelledSteps labelled_steps(const Row& row);  // of such a row

// A pair's `margin`, 0 where it has none. Throws Error that names `name` and the line where it is no number.
double margin_of(const Row& row, const std::string& name);

}  // namespace cohort
