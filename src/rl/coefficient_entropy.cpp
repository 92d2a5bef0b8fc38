#include "rl/coefficient_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "rl/normalize.h"

namespace cohort {

EntropyCut entropy_cut(std::span<const Group> batch, double top_entropy_quantile) {
  EntropyCut cut;
  if (top_entropy_quantile >= 1) {
    cut.tokens = sampled_tokens(batch);
    return cut;
  }
  std::vector<float> sorted;
  for (const Group& group : batch)
    for (const Sample& sample : group.samples) {
      COHORT_CHECK(sample.entropies.size() == sample.completion_ids.size(), "{} entropies for {} tokens",
                   sample.entropies.size(), sample.completion_ids.size());
      for (size_t t = 0; t < sample.entropies.size(); ++t)
        if (sample.is_sampled(t)) sorted.push_back(sample.entropies[t]);
    }
  if (sorted.empty()) return cut;
  std::ranges::sort(sorted);
  // In float where torch.quantile is, since a threshold one rounding above a token's entropy leaves it out.
  const double rank =
      double{static_cast<float>(1 - top_entropy_quantile)} * static_cast<double>(sorted.size() - 1);
  const size_t below = std::min(static_cast<size_t>(rank), sorted.size() - 1);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const float share = static_cast<float>(rank - static_cast<double>(below)),
              gap = sorted[above] - sorted[below];
  const float threshold = static_cast<float>(double{sorted[below]} + double{share} * double{gap});
  cut.threshold = threshold;
  cut.tokens = sorted.end() - std::ranges::lower_bound(sorted, threshold);
  return cut;
}

}  // namespace cohort
