#include "rollout/engine.h"

#include <algorithm>

#include "base/philox.h"
#include "model/transformer.h"
#include "ops/rms_norm.h"
#include "rollout/kept.h"
#include "rollout/scheduler.h"
#include "text/stop_strings.h"
#include "text/tokenizer.h"

namespace cohort {
namespace {

// The rows of one step, in the order in which they are computed.
struct StepRows {
  std::vector<int32_t> tokens, positions;
  AttentionBatch attention;

  int32_t size() const { return static_cast<int32_t>(tokens.size()); }
  int32_t begin_runs() const { return static_cast<int32_t>(attention.runs.size()); }
  // Runs over the first `positions` positions of a list of blocks.
  void add_runs(const std::vector<int32_t>& blocks, int64_t positions) {
    for (int32_t b : blocks) {
      if (positions <= 0) return;
      attention.runs.push_back({b, static_cast<int32_t>(std::min(positions, kKvBlock))});
      positions -= kKvBlock;
    }
  }
  void add_row(int32_t token, int32_t position, int32_t block, int32_t offset) {
    tokens.push_back(token);
    positions.push_back(position);
    attention.slots.push_back({block, offset});
  }
};

class Generator {
 public:
  Generator(const Model& model, const Tokenizer& tokenizer, std::span<const GenerationRequest> requests,
            const GenerationOptions& options, const std::function<void(int64_t, int64_t)>& progress,
            KeptActivations* keep)
      : model_(model),
        tokenizer_(tokenizer),
        requests_(requests),
        options_(options),
        progress_(progress),
        keep_(keep),
        scheduler_(model.config(), requests, options) {
    int64_t kept_rows = 0;
    for (const GenerationRequest& r : requests) {
      check(r);
      results_.emplace_back(r.num_generations);
      stops_.emplace_back(r.num_generations, StopMatcher(options.stop));
      kept_rows += static_cast<int64_t>(r.prompt_ids.size()) +
                   int64_t{r.num_generations} * (options.max_completion_length - 1);
    }
    if (keep_) keep_->reset(model.config(), requests, kept_rows);
  }

  std::vector<std::vector<Completion>> run() {
    while (!scheduler_.done()) step();
    return std::move(results_);
  }

 private:
  void check(const GenerationRequest& r) const {
    const int64_t length = static_cast<int64_t>(r.prompt_ids.size()) + options_.max_completion_length;
    if (r.prompt_ids.empty()) fail("prompt {} has no tokens", r.prompt_index);
    if (length > model_.config().max_position_embeddings)
      fail("prompt {}: {} prompt tokens and max_completion_length {} exceed the model's context of {}", r.prompt_index,
           r.prompt_ids.size(), options_.max_completion_length, model_.config().max_position_embeddings);
    for (int32_t t : r.prompt_ids)
      if (t < 0 || t >= model_.config().vocab_size)
        fail("prompt {}: token {} is not in the vocabulary of {}", r.prompt_index, t, model_.config().vocab_size);
  }

  // Schedule, forward, accept.
  void step() {
    StepRows rows;
    struct Wanted {  // whose logits are wanted of which row
      int32_t row;
      PromptState* prompt;
      SequenceState* sequence;
    };
    std::vector<Wanted> wanted;
    for (auto& s : scheduler_.running()) {
      wanted.push_back({rows.size(), nullptr, s.get()});
      add_decode_row(*s, rows);
    }
    for (const Scheduler::Prefill& work : scheduler_.prefill()) {
      add_prefill_rows(work, rows);
      if (work.end == static_cast<int32_t>(prompt_ids(*work.prompt).size()))
        wanted.push_back({rows.size() - 1, work.prompt, nullptr});
    }
    if (rows.size() > 0) {
      const Tensor output = forward(rows);
      // As many rows of logits at a time as fit in 64 MB.
      const int64_t V = model_.config().vocab_size, C = model_.config().hidden_size;
      const int64_t most = std::max<int64_t>(16, (int64_t{64} << 20) / (4 * V));
      for (size_t first = 0; first < wanted.size(); first += most) {
        const int64_t n = std::min<int64_t>(most, wanted.size() - first);
        const Tensor hidden(hidden_.reserve(n * C), {n, C}), logits(logits_.reserve(n * V), {n, V});
        for (int64_t i = 0; i < n; ++i)
          std::copy_n(output.row(wanted[first + i].row), C, hidden.row(i));
        rms_norm_forward(hidden, model_.weights().final_norm, static_cast<float>(model_.config().rms_norm_eps), hidden,
                         {});
        matmul(hidden, model_.packed_head(), {}, {}, logits);
        std::vector<SequenceState*> sequences;
        std::vector<const float*> rows_of_logits;
        for (int64_t i = 0; i < n; ++i) {
          if (wanted[first + i].prompt) {
            wanted[first + i].prompt->logits.assign(logits.row(i), logits.row(i) + V);
          } else {
            sequences.push_back(wanted[first + i].sequence);
            rows_of_logits.push_back(logits.row(i));
          }
        }
        sample(sequences, rows_of_logits);
      }
    }
    scheduler_.sweep();
    start_samples();
    if (progress_) progress_(tokens_, finished_);
  }

  // Samples whose prompt is computed draw their first token from its logits.
  void start_samples() {
    std::vector<SequenceState*> started = scheduler_.admit();
    std::vector<const float*> logits;
    std::vector<PromptState*> prompts;
    for (SequenceState* s : started) {
      logits.push_back(s->prompt->logits.data());
      prompts.push_back(s->prompt);
    }
    sample(started, logits);
    for (PromptState* p : prompts)
      if (p->admitted == requests_[p->request].num_generations) std::vector<float>().swap(p->logits);
    scheduler_.sweep();
  }

  void add_decode_row(SequenceState& s, StepRows& rows) {
    const std::vector<int32_t>& ids = completion(s).ids;
    const int32_t prompt = static_cast<int32_t>(prompt_ids(*s.prompt).size());
    const int32_t own = static_cast<int32_t>(ids.size()) - 1;  // this token's place among the sequence's own
    if (own % kKvBlock == 0) scheduler_.grow(s);
    const int32_t runs = rows.begin_runs(), row = rows.size();
    rows.add_runs(s.prompt->blocks, prompt);
    rows.add_runs(s.blocks, own + 1);
    rows.add_row(ids.back(), prompt + own, s.blocks.back(), own % kKvBlock);
    rows.attention.spans.push_back({row, 1, prompt + own, runs, rows.begin_runs()});
    if (keep_) pending_.push_back(&keep_->completion_rows[s.prompt->request][s.sample]);
  }

  void add_prefill_rows(const Scheduler::Prefill& work, StepRows& rows) {
    const std::vector<int32_t>& ids = prompt_ids(*work.prompt);
    const int32_t runs = rows.begin_runs(), row = rows.size();
    rows.add_runs(work.prompt->blocks, work.end);
    for (int32_t i = work.begin; i < work.end; ++i) {
      rows.add_row(ids[i], i, work.prompt->blocks[i / kKvBlock], i % kKvBlock);
      if (keep_) pending_.push_back(&keep_->prompt_rows[work.prompt->request]);
    }
    rows.attention.spans.push_back({row, work.end - work.begin, work.begin, runs, rows.begin_runs()});
  }

  Tensor forward(const StepRows& rows) {
    Activations& activations = keep_ ? keep_->activations : scratch_;
    if (!keep_) scratch_.reset(model_.config(), rows.size(), Activations::Keep::none);
    KvBlocks& blocks = scheduler_.blocks();
    const LayerInput input{rows.tokens, rows.positions, &rows.attention, blocks.store(), blocks.layer_stride()};
    const int64_t first = forward_layers(model_, input, activations);
    for (size_t i = 0; i < pending_.size(); ++i) pending_[i]->push_back(static_cast<int32_t>(first + i));
    pending_.clear();
    return activations.output(first, rows.size());
  }

  void sample(std::span<SequenceState* const> sequences, std::span<const float* const> logits) {
    const int64_t n = static_cast<int64_t>(sequences.size());
    std::vector<Sampled> drawn(n);
    std::string error;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < n; ++i) {
      const SequenceState& s = *sequences[i];
      const double u =
          uniform53(options_.seed, Stream::sample, options_.step, requests_[s.prompt->request].prompt_index,
                    static_cast<uint32_t>(s.sample), static_cast<uint32_t>(completion(s).ids.size()));
      try {
        drawn[i] = sample_token(logits[i], model_.config().vocab_size, options_.sampling, u);
      } catch (const Error& e) {
#pragma omp critical
        error = e.what();
      }
    }
    if (!error.empty()) fail("{}", error);
    for (int64_t i = 0; i < n; ++i) accept(*sequences[i], drawn[i]);
  }

  void accept(SequenceState& s, const Sampled& drawn) {
    Completion& c = completion(s);
    c.ids.push_back(drawn.token);
    c.log_probs.push_back(drawn.log_prob);
    c.entropies.push_back(drawn.entropy);
    ++tokens_;
    if (!options_.ignore_end) {
      c.stopped = std::find(options_.end_tokens.begin(), options_.end_tokens.end(), drawn.token) !=
                  options_.end_tokens.end();
      if (!options_.stop.empty() && !c.stopped && drawn.token < tokenizer_.size())
        c.stopped = stops_[s.prompt->request][s.sample].feed(tokenizer_.token_bytes(drawn.token));
    }
    if (c.stopped || static_cast<int32_t>(c.ids.size()) >= options_.max_completion_length) {
      ++finished_;
      scheduler_.finish(s);
    }
  }

  const std::vector<int32_t>& prompt_ids(const PromptState& p) const { return requests_[p.request].prompt_ids; }
  Completion& completion(const SequenceState& s) { return results_[s.prompt->request][s.sample]; }

  const Model& model_;
  const Tokenizer& tokenizer_;
  std::span<const GenerationRequest> requests_;
  const GenerationOptions& options_;
  const std::function<void(int64_t, int64_t)>& progress_;
  KeptActivations* keep_;
  Scheduler scheduler_;
  std::vector<std::vector<Completion>> results_;
  std::vector<std::vector<StopMatcher>> stops_;
  std::vector<std::vector<int32_t>*> pending_;  // with keep_: whose row each row of the step is
  Activations scratch_;
  Buffer hidden_, logits_;
  int64_t tokens_ = 0, finished_ = 0;
};

}  // namespace

std::vector<std::vector<Completion>> generate(const Model& model, const Tokenizer& tokenizer,
                                              std::span<const GenerationRequest> requests,
                                              const GenerationOptions& options,
                                              const std::function<void(int64_t, int64_t)>& progress,
                                              KeptActivations* keep) {
  COHORT_CHECK(options.max_completion_length > 0 && options.max_sequences > 0 && options.prefill_chunk > 0,
               "{} {} {}", options.max_completion_length, options.max_sequences, options.prefill_chunk);
  return Generator(model, tokenizer, requests, options, progress, keep).run();
}

}  // namespace cohort
