// Preference pairs in a file: rows of a prompt, a chosen and a rejected completion (TRL's preference format).
#pragma once

#include <string>
#include <vector>

#include "data/rows.h"

namespace cohort {

// Rows that have a prompt (or prompt_ids) and the strings `chosen` and `rejected`, which stay in Row::fields; or lists of messages in their
// place, whose prompt may stand at the head of both. What is something else is refused.
RowRules pair_rules(std::vector<std::string> columns = {});

// The two completions of such a row: the row with `chosen` as its completion, and with `rejected`.
struct Pair {
  Row chosen, rejected;
};
Pair pair_of(const Row& row);

}  // namespace cohort
