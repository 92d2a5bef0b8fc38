// Policy terms: what a token's ratio and advantage add to the objective before its weight, one short rule per
// loss_type. r = pi / pi_old is the token's ratio, or at importance_sampling_level sequence the geometric
// mean of the completion's ratios; for loss_type r1 it is their product.
#pragma once

#include <span>

#include "rl/coefficient.h"

namespace cohort {

// One completion's sampled tokens (n), in order.
struct PolicyInput {
  std::span<const double> log_probs;   // log pi
  std::span<const double> log_ratios;  // log pi - log pi_old
  std::span<const double> ratios;      // r
  std::span<const double> advantages;  // 0 where a mask took the token out: its term and slopes are then 0
};

struct PolicyTerm {
  double value;
  double by_log_ratio;  // derivative by log r
  double by_log_prob;   // derivative of all the completion's terms by this token's log-prob where r is held
};

// terms (n). Throws nothing; options are those that check() let pass.
void policy_terms(const PolicyInput& in, const CoefficientOptions& options, std::span<PolicyTerm> terms);

// Ratios outside count as clipped: below low where A < 0, above high where A > 0. [0, infinity] where the
// loss_type has no clip.
struct ClipRange {
  double low, high;
};
ClipRange clip_range(const CoefficientOptions& options);

}  // namespace cohort
