// DPO (arXiv 2305.18290) as a coefficient: pairs are groups of two samples with advantages +1 (preferred) and
// -1 (rejected).
#pragma once

#include "rl/coefficient.h"

namespace cohort {

// For a pair with margin m = [log pi(w) - log pi_ref(w)] - [log pi(l) - log pi_ref(l)], sums over the sampled
// tokens:
//   objective = weight * [(1 - s) log sigma(beta m) + s log sigma(-beta m)], s = label_smoothing (conservative DPO); seeds are its derivative by each token's log-prob.
// Unlike TRL's loss, what is ascended is the objective. `weights` of the two samples are equal: the pair's.
// Samples need ref_log_probs. TRL 1.16 has the smoothed form as loss_type "aot" of single pairs; its
// "sigmoid" is s = 0.
void preference(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                const CoefficientOptions& options, std::span<const SampleSeeds> seeds, CoefficientSums& sums);

}  // namespace cohort
