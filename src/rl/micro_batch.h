// Batches as token trees, cut into micro-batches: whole groups in their order, as many as fit a number of
// tokens.
#pragma once

#include <span>

#include "rl/sample.h"
#include "tree/token_tree.h"

namespace cohort {

// The groups' token trees: a root for each prompt and a branch for each of its completions. Head rows stand
// in the order of groups, samples and tokens.
TokenTree group_trees(std::span<const Group> groups);

// One past the last group of the micro-batch that begins at group `first`: at least one group.
size_t micro_batch_end(std::span<const Group> groups, size_t first, int64_t max_tokens);

// Calls f(first, last) for the groups [first, last) of each micro-batch.
template <class F>
void for_each_micro_batch(std::span<const Group> groups, int64_t max_tokens, F f) {
  for (size_t first = 0; first < groups.size();) {
    const size_t last = micro_batch_end(groups, first, max_tokens);
    f(first, last);
    first = last;
  }
}

}  // namespace cohort
