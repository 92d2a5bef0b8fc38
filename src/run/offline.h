// Samples that another engine drew, in a file: what GRPO and its kin train on instead of sampling.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rl/source.h"

namespace cohort {

// A row with a completion and `log_probs`, the sampler's, one number for each of its tokens, as a problem with this one sample: rows of
// one prompt that stand behind one another make a whole problem. Throws Error with `place` (FILE:LINE) where log-probs are missing, are no
// numbers or of another count than the tokens.
Problem offline_problem(Row row, const std::string& place, const Tokenizer& tokenizer);

// Sees to it that every prompt has num_generations completions, for rows one behind another.
class OfflineGroups {
 public:
  OfflineGroups(std::string data, int64_t num_generations) : data_(std::move(data)), wanted_(num_generations) {}
  bool add(const Problem& row);  // whether it begins a prompt. Throws Error naming its line where the one before is not whole
  void finish() const;           // throws Error where the last one is not whole

 private:
  std::string data_;
  int64_t wanted_, found_ = 0;  // completions of the last prompt
  std::vector<int32_t> prompt_ids_;
};

// The groups of such problems. log_probs, entropies and weights are not written.
std::vector<Group> offline_groups(std::span<const Drawn> drawn);

}  // namespace cohort
