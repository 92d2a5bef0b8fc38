#include "data/pairs.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "data/formats.h"

namespace cohort {
namespace {

Row with_completion(const Row& row, const char* field) {
  Row result = row;
  result.completion = row.fields->at(field).get<std::string>();
  result.completion_ids.clear();
  return result;
}

}  // namespace

std::vector<Row> parse_pairs(std::string_view text, const std::string& name) {
  static constexpr std::string_view required[] = {"prompt", "chosen", "rejected"};
  std::vector<Row> rows = parse_rows(text, name, required, Conversations::chat);
  for (const Row& row : rows)
    for (const char* field : {"chosen", "rejected"})
      if (const nlohmann::json& value = row.fields->at(field); !value.is_string() && row.chat.empty())
        fail("{}:{}: \"{}\" is {}, expected a string", name, row.line, field,
             value.is_array() ? "an array" : value.type_name());
  return rows;
}

std::vector<Row> read_pairs(const std::filesystem::path& path, std::span<const std::string> columns) {
  return parse_pairs(json_lines(path, columns), path.string());
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
