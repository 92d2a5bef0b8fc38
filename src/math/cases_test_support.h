// Rows of external cases, read at test time.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/external_cases.h"

namespace cohort::math {

// Empty where the cases are not there.
inline std::vector<nlohmann::json> case_rows(const std::string& file) {
  std::vector<nlohmann::json> rows;
  std::ifstream in(external_cases(file));
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

}  // namespace cohort::math
