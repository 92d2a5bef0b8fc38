// What the tests of the coefficient rules share.
#pragma once

#include <cmath>
#include <vector>

#include "rl/coefficient.h"

namespace cohort {

using Vectors = std::vector<std::vector<float>>;

struct Outcome {
  Vectors seeds, entropy_seeds;
  CoefficientSums sums;
};

// Runs a rule on a group; entropies may be empty.
inline Outcome run(CoefficientRule rule, const Group& group, const Vectors& fresh,
                   const std::vector<double>& weights, const CoefficientOptions& options,
                   const Vectors& entropies = {}) {
  Outcome out;
  std::vector<FreshSample> fresh_spans;
  std::vector<SampleSeeds> seed_spans;
  out.seeds.resize(fresh.size());
  out.entropy_seeds.resize(entropies.size());
  for (size_t i = 0; i < fresh.size(); ++i) {
    out.seeds[i].resize(fresh[i].size(), NAN);
    fresh_spans.push_back({fresh[i]});
    seed_spans.push_back({out.seeds[i]});
    if (entropies.empty()) continue;
    out.entropy_seeds[i].resize(fresh[i].size(), NAN);
    fresh_spans[i].entropies = entropies[i];
    seed_spans[i].entropy = out.entropy_seeds[i];
  }
  rule(group, fresh_spans, weights, options, seed_spans, out.sums);
  return out;
}

}  // namespace cohort
