// Pairs for preference learning.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "rl/credit.h"
#include "rl/sample.h"

namespace cohort {

// The sample of the highest reward, then that of the lowest, the first among equals, with advantages +1 and
// -1. Rewards that could not be computed (NaN) stand aside. None where fewer than two were computed or all
// are equal.
std::optional<Group> preference_pair(const Group& group);

// One line of JSON without its newline: prompt (the text the model saw), prompt_ids, chosen, rejected.
std::string pair_row(const Group& pair);

// Advantages +1 and -1 for groups of two: preferred, rejected.
void pair_credit(std::span<Group> groups, const CreditOptions& options);

}  // namespace cohort
