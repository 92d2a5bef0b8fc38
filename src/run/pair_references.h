// dpo's reference log-probs: computed once for every pair, after which the reference may go.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "rl/sample.h"
#include "rl/source.h"
#include "run/actors.h"

namespace cohort {

class PairReferences {
 public:
  PairReferences() = default;
  // Of all `problems`, by the actors' reference.
  PairReferences(const Problems& problems, Actors& actors);

  // Sample::ref_log_probs of the groups of `drawn`.
  void give(std::span<const Drawn> drawn, std::span<Group> groups) const;

 private:
  std::vector<std::array<std::vector<float>, 2>> rows_;  // of each pair's two completions
};

}  // namespace cohort
