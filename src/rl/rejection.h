// Rejection sampling: which of a policy's scored samples are kept, as rows that supervised training reads.
//   all   every sample whose reward reaches the threshold (RFT: Yuan et al., arXiv 2308.01825, section 3.3)
//   best  best of n: those of them with the highest reward
// A pure function of the samples: the same groups give the same rows in the same order, whatever they were
// chunked into. Differs from RFT of the paper in what counts as a duplicate: equal token ids, not equal
// equation lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rl/sample.h"

namespace cohort {

struct RejectionOptions {
  bool best = false;
  double reward_threshold = 1.0;  // the weighted sum of the rewards that a sample needs
  int64_t max_per_prompt = 0;     // 0: no cap for `all`, 1 for `best`
  bool keep_truncated = false;    // also completions that were cut at the length limit
};

// Where each sample went: samples = uncomputed + truncated + below_threshold + accepted, and
// accepted = duplicates + over_cap + kept.
struct RejectionCounts {
  int64_t prompts = 0, samples = 0;
  int64_t uncomputed = 0;       // a reward could not be computed: neither right nor wrong
  int64_t truncated = 0;        // cut at the length limit (whatever its reward)
  int64_t below_threshold = 0;  // judged, and not accepted
  int64_t accepted = 0;
  int64_t duplicates =
      0;  // accepted, but its group has an earlier accepted sample with the same completion_ids
  int64_t over_cap = 0;  // accepted and new, but beyond max_per_prompt
  int64_t kept = 0;
  int64_t prompts_lost = 0;  // prompts of which nothing is kept
  RejectionCounts& operator+=(const RejectionCounts& other);
};

struct Rejection {
  // Group by group; inside a group by sample_index (`all`), or from the highest reward down, ties by
  // sample_index (`best`). A cap keeps the first of this order. They point into `groups`.
  std::vector<const Sample*> kept;
  std::vector<RejectionCounts> counts;  // one per group, prompts 1
};
// Groups must have been scored. A prompt that the data set holds twice makes two groups, each judged by
// itself.
Rejection reject(std::span<const Group> groups, const RejectionOptions& options);

// One line of JSON without its newline: prompt, completion, prompt_ids, completion_ids (the end token
// included where it was sampled), reward, rewards, prompt_index, sample_index. `prompt` is the text the model
// saw, prefix and suffix included.
std::string rejection_row(const Sample& sample);

}  // namespace cohort
