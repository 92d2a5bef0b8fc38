// What eval prints and what it writes as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "eval/curves.h"
#include "run/evaluate.h"
#include "run/recipe.h"

namespace cohort {

// One model on one data set.
struct Evaluated {
  EvalSummary summary;
  std::vector<PromptResult> results;
  Curves curves;
};

// The data sets' figures on the terminal, and for --summary as a list of JSON objects: of one model, or of
// recipe.model before against the model `compare` after.
nlohmann::ordered_json print_one(std::span<const std::string> names, std::span<const Evaluated> found,
                                 const Recipe& recipe);
nlohmann::ordered_json print_two(std::span<const std::string> names, std::span<const Evaluated> before,
                                 std::span<const Evaluated> after, const Recipe& recipe,
                                 const std::string& compare);

}  // namespace cohort
