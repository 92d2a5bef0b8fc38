// Rollout: G completions for each prompt by continuous batching on the weights and kernels of training.
// A step = schedule (admit what fits, give freed places away at once), forward, accept (sample, stop, free).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/sample.h"

namespace cohort {

class Model;
class Tokenizer;
struct KeptActivations;
struct ToolUse;

// A place on a request's tokens from which completions go on.
struct Fork {
  int32_t at;  // after this many of prompt_ids
  uint32_t
      sample_index;  // keys the random numbers of the first of its completions; the others count on from it
};

struct GenerationRequest {
  std::vector<int32_t> prompt_ids;
  uint32_t prompt_index = 0;  // keys the random numbers
  int32_t num_generations = 1;
  // Empty: completions of prompt_ids. Otherwise prompt_ids is a prompt of prompt_length tokens and the
  // beginning of a completion of it, computed once, and num_generations completions go on from each fork:
  // what they go on from counts in max_completion_length, in stop strings and as positions of random numbers,
  // and is no part of the result.
  std::vector<Fork> forks = {};
  int32_t prompt_length = 0;
  // With forks: stop strings are looked for from this many of prompt_ids on.
  int32_t stops_from = 0;

  int32_t samples() const { return num_generations * std::max(1, static_cast<int32_t>(forks.size())); }
  // Of one of the samples, which stand fork by fork: where it begins, how long its completion is by then, and
  // its index.
  int32_t begin(int32_t sample) const {
    return forks.empty() ? static_cast<int32_t>(prompt_ids.size()) : forks[sample / num_generations].at;
  }
  int32_t begun(int32_t sample) const { return forks.empty() ? 0 : begin(sample) - prompt_length; }
  uint32_t index(int32_t sample) const {
    return forks.empty() ? static_cast<uint32_t>(sample)
                         : forks[sample / num_generations].sample_index +
                               static_cast<uint32_t>(sample % num_generations);
  }
};

struct GenerationOptions {
  SamplingOptions sampling;
  int32_t max_completion_length = 512;
  std::vector<int32_t> end_tokens;  // sampling one ends the completion; it is part of it
  std::vector<std::string> stop;    // stop strings: the completion ends with the token that completes one
  bool ignore_end = false;          // for benchmarks: never end early
  uint64_t seed = 0;
  uint32_t step = 0;
  int32_t max_sequences = 256;                 // decoded at the same time
  int64_t kv_memory_bytes = int64_t{1} << 30;  // waits instead of failing; one sequence must fit
  int32_t prefill_chunk = 512;                 // most prompt tokens in one step
  // Called with every token as it is drawn (for showing an answer while it is made). What it throws ends the
  // generation.
  std::function<void(size_t request, size_t sample, int32_t token)> on_token;
  std::shared_ptr<ToolUse> tools;  // of policy_groups (rl/tool_use.h); generate() itself knows of none
};

struct Completion {
  std::vector<int32_t> ids;      // (T) the end token included
  std::vector<float> log_probs;  // (T)
  std::vector<float> entropies;  // (T)
  bool stopped = false;          // ended by an end token or a stop string, not by the length limit
};

// Called when a completion is finished, while others are still drawn.
using Finished = std::function<void(size_t request, size_t sample, const Completion&)>;

// completions[request][sample], fork by fork. `progress(tokens, finished)` may be empty. Results do not
// depend on max_sequences, kv_memory_bytes, prefill_chunk or threads.
std::vector<std::vector<Completion>> generate(const Model& model, const Tokenizer& tokenizer,
                                              std::span<const GenerationRequest> requests,
                                              const GenerationOptions& options,
                                              const std::function<void(int64_t, int64_t)>& progress = {},
                                              KeptActivations* keep = nullptr, const Finished& finished = {});

}  // namespace cohort
