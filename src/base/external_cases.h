// For tests: where the cases of other, trusted implementations stand, when they are at hand.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace cohort {

// COHORT_CASES, else ../shared/cases beside the sources.
inline std::filesystem::path external_cases(const std::string& name) {
  const char* folder = std::getenv("COHORT_CASES");
  return std::filesystem::path(folder ? folder : COHORT_SOURCE_DIR "/../shared/cases") / name;
}

}  // namespace cohort
