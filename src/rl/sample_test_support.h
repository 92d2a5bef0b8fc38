// What tests of the rules share about samples.
#pragma once

#include <vector>

#include "rl/sample.h"

namespace cohort {

// A span for each token, sampled where its flag is 1.
inline std::vector<TokenSpan> spans_of(const std::vector<int>& sampled) {
  std::vector<TokenSpan> spans;
  for (int32_t t = 0; t < static_cast<int32_t>(sampled.size()); ++t)
    spans.push_back({t, t + 1, sampled[static_cast<size_t>(t)] == 1});
  return spans;
}

}  // namespace cohort
