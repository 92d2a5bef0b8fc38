// KL terms: estimates of KL(pi || pi_ref) from one sampled token (Schulman, "Approximating KL Divergence").
#pragma once

#include "base/math.h"
#include "rl/coefficient.h"

namespace cohort {

struct KlTerm {
  double value, by_log_prob;  // and its derivative by log pi
};

// log_ref = log pi_ref - log pi.
//   k1: -log_ref                      unbiased; of either sign
//   k2: log_ref^2 / 2                 biased; as a loss its gradient is that of the reverse KL
//   k3: e^log_ref - log_ref - 1       unbiased and never negative
inline KlTerm kl_term(double log_ref, KlEstimator estimator) {
  switch (estimator) {
    case KlEstimator::k1:
      return {-log_ref, 1};
    case KlEstimator::k2:
      return {0.5 * log_ref * log_ref, -log_ref};
    case KlEstimator::k3:
      break;
  }
  const double ref_ratio = exp(log_ref);
  return {ref_ratio - log_ref - 1, 1 - ref_ratio};
}

}  // namespace cohort
