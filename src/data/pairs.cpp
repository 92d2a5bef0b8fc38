#include "data/pairs.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {
namespace {

Row with_completion(const Row& row, const char* field) {
  Row result = row;
  result.completion = row.fields->at(field).get<std::string>();
  result.completion_ids.clear();
  return result;
}

void check_pair(const Row& row, const std::string& place) {
  for (const char* field : {"chosen", "rejected"})
    if (const nlohmann::json& value = row.fields->at(field); !value.is_string() && row.chat.empty())
      fail("{}: \"{}\" is {}, expected a string", place, field, value.is_array() ? "an array" : value.type_name());
}

}  // namespace

RowRules pair_rules(std::vector<std::string> columns) {
  static constexpr std::string_view required[] = {"prompt", "chosen", "rejected"};
  return {required, Conversations::chat, std::move(columns), check_pair};
}

Pair pair_of(const Row& row) {
  if (row.rendered) {
    Pair pair{row, row};
    pair.chosen.completion = row.turns.at(0);
    pair.rejected.completion = row.turns.at(1);
    for (Row* one : {&pair.chosen, &pair.rejected}) one->turns.clear();
    return pair;
  }
  return {with_completion(row, "chosen"), with_completion(row, "rejected")};
}

}  // namespace cohort
