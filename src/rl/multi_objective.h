// Several rewards normalised one by one, then summed (GDPO, arXiv 2601.05242).
#pragma once

#include "rl/credit.h"

namespace cohort {

// group_advantages where multi_objective_aggregation is normalize_then_sum. Every sample has the same rewards
// in the same order, and reward_weights is empty or one for each.
void normalized_sum_advantages(std::span<Group> groups, const CreditOptions& options);

}  // namespace cohort
