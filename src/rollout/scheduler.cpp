#include "rollout/scheduler.h"

#include <algorithm>

namespace cohort {
namespace {

// The last token of a completion is never an input, so it needs no place in the cache.
int64_t blocks_of_completion(const GenerationOptions& options) {
  return KvBlocks::blocks_for(options.max_completion_length - 1);
}

int64_t cache_blocks(const ModelConfig& config, std::span<const GenerationRequest> requests,
                     const GenerationOptions& options) {
  const int64_t own = blocks_of_completion(options), block_bytes = KvBlocks::block_bytes(config);
  const int64_t limit = options.kv_memory_bytes / block_bytes;
  int64_t total = 0, least = 0;
  for (const GenerationRequest& r : requests) {
    const int64_t prompt = KvBlocks::blocks_for(static_cast<int64_t>(r.prompt_ids.size()));
    total += prompt + own * r.samples();
    least = std::max(least, prompt + own);
  }
  if (least > limit)
    fail(
        "one sequence needs {:.1f} MB of key/value cache and the limit is {:.1f} MB: raise kv_memory or "
        "shorten "
        "max_completion_length or the prompts",
        static_cast<double>(least * block_bytes) / 1e6, static_cast<double>(options.kv_memory_bytes) / 1e6);
  return std::min(total, limit);
}

}  // namespace

Scheduler::Scheduler(const ModelConfig& config, std::span<const GenerationRequest> requests,
                     const GenerationOptions& options)
    : requests_(requests),
      options_(options),
      blocks_(config, cache_blocks(config, requests, options)),
      sequence_blocks_(blocks_of_completion(options)) {}

std::vector<Scheduler::Prefill> Scheduler::prefill() {
  std::vector<Prefill> work;
  int32_t budget = options_.prefill_chunk;
  auto advance = [&](PromptState& p) {
    const int32_t length = static_cast<int32_t>(requests_[p.request].prompt_ids.size());
    const int32_t end = std::min(length, p.computed + budget);
    if (end == p.computed) return;
    work.push_back({&p, p.computed, end});
    budget -= end - p.computed;
    p.computed = end;
  };
  for (auto& p : prompts_) advance(*p);
  // New prompts: only while every earlier sample is admitted and one more sequence fits beside the prompt.
  while (budget > 0 && next_request_ < requests_.size()) {
    int64_t waiting = 0;
    for (const auto& p : prompts_) waiting += requests_[p->request].samples() - p->admitted;
    const GenerationRequest& r = requests_[next_request_];
    const int64_t need = KvBlocks::blocks_for(static_cast<int64_t>(r.prompt_ids.size()));
    const int64_t places = options_.max_sequences - static_cast<int64_t>(running_.size()) - waiting;
    if (places <= 0 || need + sequence_blocks_ * (waiting + 1) > free_blocks()) break;
    auto p = std::make_unique<PromptState>();
    p->request = static_cast<int32_t>(next_request_++);
    for (int64_t i = 0; i < need; ++i) p->blocks.push_back(blocks_.take());
    prompts_.push_back(std::move(p));
    advance(*prompts_.back());
  }
  return work;
}

std::vector<SequenceState*> Scheduler::admit() {
  std::vector<SequenceState*> started;
  for (auto& p : prompts_) {
    const GenerationRequest& r = requests_[p->request];
    if (p->computed < static_cast<int32_t>(r.prompt_ids.size())) continue;
    while (p->admitted < r.samples() && static_cast<int64_t>(running_.size()) < options_.max_sequences &&
           sequence_blocks_ <= free_blocks()) {
      auto s = std::make_unique<SequenceState>();
      s->prompt = p.get();
      s->sample = p->admitted++;
      s->reserved = static_cast<int32_t>(sequence_blocks_);
      reserved_ += sequence_blocks_;
      for (int32_t b : p->blocks) blocks_.share(b);
      started.push_back(s.get());
      running_.push_back(std::move(s));
    }
  }
  return started;
}

void Scheduler::grow(SequenceState& s) {
  COHORT_CHECK(s.reserved > 0, "sample {} outgrew its blocks", s.sample);
  --s.reserved;
  --reserved_;
  s.blocks.push_back(blocks_.take());
}

void Scheduler::finish(SequenceState& s) {
  for (int32_t b : s.blocks) blocks_.release(b);
  for (int32_t b : s.prompt->blocks) blocks_.release(b);
  reserved_ -= s.reserved;
  ++s.prompt->finished;
  s.prompt = nullptr;  // swept
}

void Scheduler::sweep() {
  std::erase_if(running_, [](const auto& s) { return s->prompt == nullptr; });
  std::erase_if(prompts_, [&](const auto& p) {
    if (p->finished < requests_[p->request].samples()) return false;
    for (int32_t b : p->blocks) blocks_.release(b);
    return true;
  });
}

}  // namespace cohort
