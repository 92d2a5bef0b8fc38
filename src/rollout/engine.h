// Rollout: G completions for each prompt by continuous batching on the weights and kernels of training.
// A step = schedule (admit what fits, give freed places away at once), forward, accept (sample, stop, free).
#pragma once

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

struct GenerationRequest {
  std::vector<int32_t> prompt_ids;
  uint32_t prompt_index = 0;  // keys the random numbers
  int32_t num_generations = 1;
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
};

struct Completion {
  std::vector<int32_t> ids;      // (T) the end token included
  std::vector<float> log_probs;  // (T)
  std::vector<float> entropies;  // (T)
  bool stopped = false;          // ended by an end token or a stop string, not by the length limit
};

// completions[prompt][sample]. `progress(tokens, finished)` may be empty. Results do not depend on
// max_sequences, kv_memory_bytes, prefill_chunk or threads.
std::vector<std::vector<Completion>> generate(const Model& model, const Tokenizer& tokenizer,
                                              std::span<const GenerationRequest> requests,
                                              const GenerationOptions& options,
                                              const std::function<void(int64_t, int64_t)>& progress = {},
                                              KeptActivations* keep = nullptr);

}  // namespace cohort
