// PPO's critic beside its policy: the clipped ratio, and a seed for the value of every token.
#pragma once

#include "rl/coefficient.h"

namespace cohort {

// clipped_ratio, plus the value objective - vf_coef * 0.5 * weight * max((V - R)^2, (clip(V, V_old -
// cliprange_value, V_old + cliprange_value) - R)^2) (TRL's PPO, arXiv 1707.06347 with value clipping); R =
// Sample::returns, V_old = Sample::values. SampleSeeds::value is its derivative by V.
void clipped_ratio_and_value(const Group& group, std::span<const FreshSample> fresh,
                             std::span<const double> weights, const CoefficientOptions& options,
                             std::span<const SampleSeeds> seeds, CoefficientSums& sums);

}  // namespace cohort
