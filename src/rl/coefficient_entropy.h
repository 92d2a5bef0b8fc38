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

// threshold: the (1 - top_entropy_quantile) quantile of the entropies that the batch's sampled tokens had
// when they were sampled, interpolated as torch.quantile does in float; at 1 all tokens pass and no entropies
// are needed. Needs 0 < top_entropy_quantile <= 1.
EntropyCut entropy_cut(std::span<const Group> batch, double top_entropy_quantile);

}  // namespace cohort
