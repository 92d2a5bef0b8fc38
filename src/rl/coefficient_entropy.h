// The entropy bonus, and the choice of the tokens whose entropy is highest.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "rl/sample.h"

namespace cohort {

// Tokens of an optimizer step that pass top_entropy_quantile.
struct EntropyCut {
  double threshold = -std::numeric_limits<double>::infinity();  // entropies of at least this pass
  int64_t tokens = 0;                                           // how many pass
};

// threshold: the (1 - top_entropy_quantile) quantile of the entropies that the batch's sampled tokens had when
// they were sampled, interpolated as torch.quantile does in float; at 1 all tokens pass and no entropies are needed. Needs
// 0 < top_entropy_quantile <= 1.
EntropyCut entropy_cut(std::span<const Group> batch, double top_entropy_quantile);

// An adaptive entropy coefficient (arXiv 2505.22312), TRL's use_adaptive_entropy.
struct AdaptiveEntropyOptions {
  double entropy_coef_min = 0, entropy_coef_max = 1, entropy_coef_delta = 0.005, entropy_target = 0.2;
};

// The coefficient for the next optimizer step: one delta up where this step's mean entropy (of the tokens that
// the bonus acts on) is at most the target, else one down. In the next step it is applied only where this
// step's entropy was at most the target.
double next_entropy_coef(double entropy_coef, double mean_entropy, const AdaptiveEntropyOptions& options);

}  // namespace cohort
