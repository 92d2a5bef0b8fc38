// What a reward model is trained by. The losses see scalar values only; seeds are d loss / d value.
#pragma once

#include <cstdint>
#include <limits>

namespace cohort {

// Sums over a batch.
struct RewardSums {
  double loss = 0;                // weighted
  int64_t judged = 0, right = 0;  // pairs or labels; right: chosen > rejected, or on the label's side of 0.5
  double margin = 0;              // chosen - rejected, of pairs
  int64_t values = 0;
  double value = 0, value_min = std::numeric_limits<double>::infinity(),
         value_max = -std::numeric_limits<double>::infinity();
};

// Bradley-Terry (TRL's RewardTrainer), m the row's margin, c center_rewards_coefficient (arXiv 2312.09244,
// eq. 2):
//   weight * [-log sigma(chosen - rejected - m) + c * (chosen + rejected)^2]
struct PairSeeds {
  double chosen, rejected;
};
PairSeeds pairwise_loss(double chosen, double rejected, double m, double c, double weight, RewardSums& sums);

// Binary cross-entropy with logits on a label in [0, 1], of a completion or of a step:
//   -weight * [label * log sigma(value) + (1 - label) * log sigma(-value)]
// TRL's PRMTrainer has two logits for a step; their difference is the value here.
double pointwise_loss(double value, double label, double weight, RewardSums& sums);

}  // namespace cohort
