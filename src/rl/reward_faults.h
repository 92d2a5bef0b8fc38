// The rewards of a step that could not be computed: which samples', and why. They count as missing, never as 0.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cohort {

class RewardFaults {
 public:
  // `sample` names it: sample_name.
  void add(const std::string& sample, const std::string& reason);
  RewardFaults& operator+=(const RewardFaults& later);
  int64_t count() const { return count_; }
  // For the log: a line per reason, with the samples it befell, as "prompt 3 sample 1, prompt 4 sample 0: no gold". Of
  // more than 20 reasons, or of more than 100 samples with one reason, the number that is left out.
  std::vector<std::string> lines() const;

 private:
  struct Reason {
    std::string text;
    std::vector<std::string> samples;
    int64_t more = 0;
  };
  int64_t count_ = 0, without_line_ = 0;
  std::vector<Reason> reasons_;
};

// "prompt 3 sample 1", and the row's "id" where it has one: "prompt 3 (id algebra/17) sample 1".
std::string sample_name(uint64_t prompt_index, uint32_t sample_index, const nlohmann::json& row);

}  // namespace cohort
