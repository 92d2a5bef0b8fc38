#include "rl/micro_batch.h"

#include "base/check.h"

namespace cohort {
namespace {

int64_t tree_tokens(const Group& group) {
  if (group.samples.empty()) return 0;
  int64_t n = static_cast<int64_t>(group.samples[0].prompt_ids.size());
  for (const Sample& s : group.samples) n += static_cast<int64_t>(s.completion_ids.size()) - 1;
  return n;
}

}  // namespace

TokenTree group_trees(std::span<const Group> groups) {
  TokenTree tree;
  for (const Group& group : groups) {
    if (group.samples.empty()) continue;
    const int32_t prompt = tree.add(-1, group.samples[0].prompt_ids);
    for (const Sample& s : group.samples) {
      COHORT_CHECK(s.prompt_ids == group.samples[0].prompt_ids, "a group of two prompts");
      tree.add_completion(prompt, s.completion_ids);
    }
  }
  return tree;
}

size_t micro_batch_end(std::span<const Group> groups, size_t first, int64_t max_tokens) {
  size_t last = first;
  for (int64_t tokens = 0; last < groups.size(); ++last) {
    tokens += tree_tokens(groups[last]);
    if (last > first && tokens > max_tokens) break;
  }
  return last;
}

}  // namespace cohort
