// Rows of external cases, read at test time.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cohort::math {

// Empty where the cases are not there.
inline std::vector<nlohmann::json> case_rows(const std::string& file) {
  const char* folder = std::getenv("COHORT_CASES");
  const std::filesystem::path path = (folder ? std::filesystem::path(folder)
                                             : std::filesystem::path(COHORT_SOURCE_DIR) / "../shared/cases") /
                                     file;
  std::vector<nlohmann::json> rows;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

}  // namespace cohort::math
