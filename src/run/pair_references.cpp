#include "run/pair_references.h"

#include <algorithm>

#include "base/progress.h"

namespace cohort {

PairReferences::PairReferences(const Problems& problems, Actors& actors) {
  const int64_t count = problems.size();
  rows_.resize(static_cast<size_t>(count));
  Progress progress("reference log-probs", count, "pairs");
  constexpr int64_t kAtOnce = 64;
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const std::vector<Drawn> drawn = draw_problems(problems, first, std::min(kAtOnce, count - first));
    std::vector<Group> groups = file_groups(drawn);
    actors.reference->write_log_probs(actors.trainer, groups);
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t i = 0; i < 2; ++i)
        rows_[static_cast<size_t>(drawn[g].row)][i] = std::move(groups[g].samples[i].ref_log_probs);
    progress.update(first + static_cast<int64_t>(drawn.size()));
  }
}

void PairReferences::give(std::span<const Drawn> drawn, std::span<Group> groups) const {
  for (size_t g = 0; g < drawn.size(); ++g)
    for (size_t i = 0; i < 2; ++i)
      groups[g].samples[i].ref_log_probs = rows_[static_cast<size_t>(drawn[g].row)][i];
}

}  // namespace cohort
