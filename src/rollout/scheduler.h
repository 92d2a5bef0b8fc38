// Which tokens are computed in the next step. Prompts enter in order; a prompt is computed once, in chunks,
// and its samples start from it as places and memory become free. A sequence is admitted only when the blocks
// of its longest possible completion are to be had, so a running sequence never waits and never fails.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "rollout/engine.h"
#include "rollout/kv_blocks.h"

namespace cohort {

// One prompt that has blocks: being computed, or shared by its samples.
struct PromptState {
  int32_t request;  // index of the request
  std::vector<int32_t> blocks;
  int32_t computed = 0;  // prompt tokens whose keys and values are in the cache
  int32_t admitted = 0;  // samples started
  int32_t finished = 0;
  std::vector<std::vector<float>>
      logits;  // (V) where its samples begin, fork by fork, while they wait to start
};

// One sample that is being decoded.
struct SequenceState {
  PromptState* prompt;
  int32_t sample;
  std::vector<int32_t> blocks;  // its own
  int32_t reserved = 0;         // blocks promised to it and not yet taken
};

class Scheduler {
 public:
  Scheduler(const ModelConfig& config, std::span<const GenerationRequest> requests,
            const GenerationOptions& options);

  // Prompt tokens [begin, end) to compute in this step; prompt may be null.
  struct Prefill {
    PromptState* prompt = nullptr;
    int32_t begin = 0, end = 0;
  };
  bool done() const { return next_request_ == requests_.size() && prompts_.empty(); }
  std::vector<Prefill> prefill();  // at most options.prefill_chunk tokens; gives prompts their blocks
  // Samples that can start now, of prompts that are computed. They join running().
  std::vector<SequenceState*> admit();
  std::vector<std::unique_ptr<SequenceState>>& running() { return running_; }
  void grow(SequenceState& sequence);    // takes one of the promised blocks
  void finish(SequenceState& sequence);  // frees its place; call sweep() after the step
  void sweep();

  KvBlocks& blocks() { return blocks_; }

 private:
  int64_t free_blocks() const { return blocks_.free_blocks() - reserved_; }

  std::span<const GenerationRequest> requests_;
  const GenerationOptions& options_;
  KvBlocks blocks_;
  size_t next_request_ = 0;
  int64_t sequence_blocks_;  // of the longest completion
  int64_t reserved_ = 0;
  std::deque<std::unique_ptr<PromptState>> prompts_;
  std::vector<std::unique_ptr<SequenceState>> running_;
};

}  // namespace cohort
