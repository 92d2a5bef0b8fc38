#include "rl/reward_loss.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"

namespace cohort {
namespace {

void add_value(double value, RewardSums& sums) {
  ++sums.values;
  sums.value += value;
  sums.value_min = std::min(sums.value_min, value);
  sums.value_max = std::max(sums.value_max, value);
}

}  // namespace

PairSeeds pairwise_loss(double chosen, double rejected, double m, double c, double weight, RewardSums& sums) {
  const double margin = chosen - rejected - m, sum = chosen + rejected;
  sums.loss += weight * (c * sum * sum - log_sigmoid(margin));
  sums.margin += chosen - rejected;
  sums.right += chosen > rejected;
  ++sums.judged;
  add_value(chosen, sums);
  add_value(rejected, sums);
  const double slope = weight * sigmoid(-margin), center = 2 * weight * c * sum;
  return {center - slope, center + slope};
}

double pointwise_loss(double value, double label, double weight, RewardSums& sums) {
  COHORT_CHECK(label >= 0 && label <= 1, "label {}", label);
  // log sigma(-v) is not taken from log sigma(v): of a sure and right value nothing would be left.
  sums.loss -= weight * (label * log_sigmoid(value) + (1 - label) * log_sigmoid(-value));
  sums.right += (value >= 0) == (label >= 0.5);
  ++sums.judged;
  add_value(value, sums);
  return weight * ((1 - label) * sigmoid(value) - label * sigmoid(-value));
}

}  // namespace cohort
