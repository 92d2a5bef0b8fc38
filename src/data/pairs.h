// Preference pairs in a file: rows of a prompt, a chosen and a rejected completion (TRL's preference format).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"

namespace cohort {

// As read_rows, for rows that have a prompt (or prompt_ids) and the strings `chosen` and `rejected`, which
// stay in Row::fields; or lists of messages in their place, whose prompt may stand at the head of both. Throws
// Error naming file and line where one is missing or is something else.
std::vector<Row> read_pairs(const std::filesystem::path& path, std::span<const std::string> columns = {});
std::vector<Row> parse_pairs(std::string_view text, const std::string& name);

// The two completions of such a row: the row with `chosen` as its completion, and with `rejected`.
struct Pair {
  Row chosen, rejected;
};
Pair pair_of(const Row& row);

}  // namespace cohort
