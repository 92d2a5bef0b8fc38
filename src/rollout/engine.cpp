#include "rollout/engine.h"

#include <omp.h>

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

// Parameters of a model that counts as small: it stays in a core's caches, more or less.
constexpr int64_t kSmallModel = 8'000'000;

class Generator {
 public:
  Generator(const Model& model, const Tokenizer& tokenizer, std::span<const GenerationRequest> requests,
            const GenerationOptions& options, const std::function<void(int64_t, int64_t)>& progress,
            KeptActivations* keep, const Finished& on_finished)
      : model_(model),
        tokenizer_(tokenizer),
        requests_(requests),
        options_(options),
        progress_(progress),
        keep_(keep),
        on_finished_(on_finished),
        scheduler_(model.config(), requests, options) {
    int64_t kept_rows = 0;
    for (const GenerationRequest& r : requests) {
      check(r);
      results_.emplace_back(r.samples());
      stops_.emplace_back(r.samples(), StopMatcher(options.stop));
      if (!options.stop.empty()) feed_begun(r, stops_.back());
      kept_rows += static_cast<int64_t>(r.prompt_ids.size()) +
                   int64_t{r.num_generations} * (options.max_completion_length - 1);
    }
    COHORT_CHECK(!keep_ || std::ranges::all_of(requests, [](const auto& r) { return r.forks.empty(); }),
                 "activations are kept of whole completions");
    if (keep_) keep_->reset(model.config(), requests, kept_rows);
    // A small model's step is over before threads could meet at every op: there each thread takes sequences
    // of its own. A large model's weights are better read once, by all threads together. The bits are the
    // same.
    const bool apart = model.floats() <= kSmallModel;
    shards_.resize(apart ? static_cast<size_t>(omp_get_max_threads()) : 1);
  }

  std::vector<std::vector<Completion>> run() {
    while (!scheduler_.done()) step();
    return std::move(results_);
  }

 private:
  void check(const GenerationRequest& r) const {
    const int64_t prompt = r.forks.empty() ? static_cast<int64_t>(r.prompt_ids.size()) : r.prompt_length;
    const int64_t length = prompt + options_.max_completion_length;
    if (prompt == 0) fail("prompt {} has no tokens", r.prompt_index);
    for (const Fork& f : r.forks)
      COHORT_CHECK(f.at >= prompt && f.at <= std::ssize(r.prompt_ids) && f.at < length, "fork at {} of {}",
                   f.at, r.prompt_ids.size());
    if (length > model_.config().context())
      fail("prompt {}: {} prompt tokens and max_completion_length {} exceed the model's context of {}",
           r.prompt_index, prompt, options_.max_completion_length, model_.config().context());
    for (int32_t t : r.prompt_ids)
      if (t < 0 || t >= model_.config().vocab_size)
        fail("prompt {}: token {} is not in the vocabulary of {}", r.prompt_index, t,
             model_.config().vocab_size);
  }

  // What a stop string may have begun in, before each sample's own tokens.
  void feed_begun(const GenerationRequest& r, std::vector<StopMatcher>& stops) const {
    for (int32_t s = 0; s < r.samples(); ++s)
      for (int32_t i = std::max(r.begin(s) - r.begun(s), r.stops_from); i < r.begin(s); ++i)
        if (r.prompt_ids[i] < tokenizer_.size()) stops[s].feed(tokenizer_.token_bytes(r.prompt_ids[i]));
  }

  // Whose logits are wanted of which row: of the last token of a prompt or before a fork, or of a running
  // sequence.
  struct Wanted {
    int32_t row;
    std::vector<float>* begin;
    SequenceState* sequence;
  };

  // A part of a step that one thread computes alone, or the whole step that all threads compute together.
  struct Shard {
    StepRows rows;
    std::vector<Wanted> wanted;
    std::vector<std::vector<int32_t>*> kept;  // with keep_: to whom each row belongs
    std::vector<Sampled> drawn;               // of the wanted sequences, in order
    int64_t first = 0;                        // row of the activations
    Activations own;                          // without keep_
    LayerScratch scratch;
    Buffer hidden, logits;
    std::string error;
  };

  // Schedule, forward, accept.
  void step() {
    for (Shard& s : shards_) {
      s.rows = {};
      s.wanted.clear();
      s.kept.clear();
      s.drawn.clear();
    }
    const size_t running = scheduler_.running().size();
    for (size_t i = 0; i < running; ++i) {
      SequenceState& sequence = *scheduler_.running()[i];
      Shard& shard = shards_[i * shards_.size() / running];  // neighbours stay together: they share a prompt
      shard.wanted.push_back({shard.rows.size(), nullptr, &sequence});
      add_decode_row(sequence, shard);
    }
    for (const Scheduler::Prefill& work : scheduler_.prefill()) {
      Shard& shard = *std::min_element(shards_.begin(), shards_.end(), [](const Shard& a, const Shard& b) {
        return a.rows.size() < b.rows.size();
      });
      add_prefill_rows(work, shard);
      const GenerationRequest& r = requests_[work.prompt->request];
      work.prompt->logits.resize(r.samples() / r.num_generations);
      for (size_t f = 0; f < work.prompt->logits.size(); ++f)
        if (const int32_t at = r.begin(static_cast<int32_t>(f) * r.num_generations);
            work.begin < at && at <= work.end)
          shard.wanted.push_back({shard.rows.size() - 1 - (work.end - at), &work.prompt->logits[f], nullptr});
    }
    for (Shard& s : shards_) place(s);
    if (shards_.size() == 1) {
      compute(shards_[0]);
    } else {
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(shards_.size()))
      for (size_t i = 0; i < shards_.size(); ++i) compute(shards_[i]);
    }
    for (Shard& s : shards_) {
      if (!s.error.empty()) fail("{}", s.error);
      size_t next = 0;
      for (const Wanted& w : s.wanted)
        if (w.sequence) accept(*w.sequence, s.drawn[next++]);
    }
    scheduler_.sweep();
    start_samples();
    if (progress_) progress_(tokens_, finished_);
  }

  // Gives a shard's rows their place in the activations.
  void place(Shard& s) {
    if (keep_) {
      s.first = keep_->activations.append(s.rows.size());
      for (size_t i = 0; i < s.kept.size(); ++i) s.kept[i]->push_back(static_cast<int32_t>(s.first + i));
    } else {
      s.own.reset(model_.config(), s.rows.size(), Activations::Keep::none);
      s.first = s.own.append(s.rows.size());
    }
  }

  // Forward of a shard's rows, and a draw from the logits of those that want one.
  void compute(Shard& s) {
    if (s.rows.size() == 0) return;
    try {
      const ModelConfig& c = model_.config();
      KvBlocks& blocks = scheduler_.blocks();
      const LayerInput input{s.rows.tokens, s.rows.positions, &s.rows.attention, blocks.store(),
                             blocks.layer_stride()};
      const Activations& activations = keep_ ? keep_->activations : s.own;
      forward_layers(model_, input, activations, s.first, s.scratch);
      const Tensor output = activations.output(s.first, s.rows.size());
      // As many rows of logits at a time as fit in 64 MB.
      const int64_t V = c.vocab_size, C = c.hidden_size;
      const size_t most = static_cast<size_t>(std::max<int64_t>(16, (int64_t{64} << 20) / (4 * V)));
      for (size_t first = 0; first < s.wanted.size(); first += most) {
        const std::span<const Wanted> wanted =
            std::span(s.wanted).subspan(first, std::min(most, s.wanted.size() - first));
        const int64_t n = static_cast<int64_t>(wanted.size());
        const Tensor hidden(s.hidden.reserve(n * C), {n, C}), logits(s.logits.reserve(n * V), {n, V});
        for (int64_t i = 0; i < n; ++i) std::copy_n(output.row(wanted[i].row), C, hidden.row(i));
        rms_norm_forward(hidden, model_.weights().final_norm, static_cast<float>(c.rms_norm_eps), hidden, {});
        matmul(hidden, model_.packed_head(), {}, {}, logits);
        std::vector<SequenceState*> sequences;
        std::vector<const float*> rows;
        for (int64_t i = 0; i < n; ++i) {
          if (wanted[i].begin) {
            wanted[i].begin->assign(logits.row(i), logits.row(i) + V);
          } else {
            sequences.push_back(wanted[i].sequence);
            rows.push_back(logits.row(i));
          }
        }
        const std::vector<Sampled> drawn = draw(sequences, rows);
        s.drawn.insert(s.drawn.end(), drawn.begin(), drawn.end());
      }
    } catch (const std::exception& e) {
      s.error = e.what();
    }
  }

  // Samples whose prompt is computed draw their first token from its logits.
  void start_samples() {
    std::vector<SequenceState*> started = scheduler_.admit();
    std::vector<const float*> logits;
    std::vector<PromptState*> prompts;
    for (SequenceState* s : started) {
      logits.push_back(s->prompt->logits[s->sample / requests_[s->prompt->request].num_generations].data());
      prompts.push_back(s->prompt);
    }
    const std::vector<Sampled> drawn = draw(started, logits);
    for (size_t i = 0; i < started.size(); ++i) accept(*started[i], drawn[i]);
    for (PromptState* p : prompts)
      if (p->admitted == requests_[p->request].samples()) std::vector<std::vector<float>>().swap(p->logits);
    scheduler_.sweep();
  }

  void add_decode_row(SequenceState& s, Shard& shard) {
    StepRows& rows = shard.rows;
    const std::vector<int32_t>& ids = completion(s).ids;
    const int32_t prompt = requests_[s.prompt->request].begin(s.sample);
    const int32_t own = static_cast<int32_t>(ids.size()) - 1;  // this token's place among the sequence's own
    if (own % kKvBlock == 0) scheduler_.grow(s);
    const int32_t runs = rows.begin_runs(), row = rows.size();
    rows.add_runs(s.prompt->blocks, prompt);
    rows.add_runs(s.blocks, own + 1);
    rows.add_row(ids.back(), prompt + own, s.blocks.back(), own % kKvBlock);
    rows.attention.spans.push_back({row, 1, prompt + own, runs, rows.begin_runs()});
    if (keep_) shard.kept.push_back(&keep_->completion_rows[s.prompt->request][s.sample]);
  }

  void add_prefill_rows(const Scheduler::Prefill& work, Shard& shard) {
    StepRows& rows = shard.rows;
    const std::vector<int32_t>& ids = prompt_ids(*work.prompt);
    const int32_t runs = rows.begin_runs(), row = rows.size();
    rows.add_runs(work.prompt->blocks, work.end);
    for (int32_t i = work.begin; i < work.end; ++i) {
      rows.add_row(ids[i], i, work.prompt->blocks[i / kKvBlock], i % kKvBlock);
      if (keep_) shard.kept.push_back(&keep_->prompt_rows[work.prompt->request]);
    }
    rows.attention.spans.push_back({row, work.end - work.begin, work.begin, runs, rows.begin_runs()});
  }

  std::vector<Sampled> draw(std::span<SequenceState* const> sequences, std::span<const float* const> logits) {
    const int64_t n = static_cast<int64_t>(sequences.size());
    std::vector<Sampled> drawn(n);
    std::string error;
#pragma omp parallel for schedule(dynamic, \
                                  1) if (n * model_.config().vocab_size > 65536 && !omp_in_parallel())
    for (int64_t i = 0; i < n; ++i) {
      const SequenceState& s = *sequences[i];
      const GenerationRequest& r = requests_[s.prompt->request];
      const double u = uniform53(options_.seed, Stream::sample, options_.step, r.prompt_index,
                                 r.index(s.sample), static_cast<uint32_t>(length(s)));
      try {
        drawn[i] = sample_token(logits[i], model_.config().vocab_size, options_.sampling, u);
      } catch (const Error& e) {
#pragma omp critical
        error = e.what();
      }
    }
    if (!error.empty()) fail("{}", error);
    return drawn;
  }

  void accept(SequenceState& s, const Sampled& drawn) {
    Completion& c = completion(s);
    c.ids.push_back(drawn.token);
    c.log_probs.push_back(drawn.log_prob);
    c.entropies.push_back(drawn.entropy);
    ++tokens_;
    if (options_.on_token) options_.on_token(s.prompt->request, static_cast<size_t>(s.sample), drawn.token);
    if (!options_.ignore_end) {
      c.stopped = std::find(options_.end_tokens.begin(), options_.end_tokens.end(), drawn.token) !=
                  options_.end_tokens.end();
      if (!options_.stop.empty() && !c.stopped && drawn.token < tokenizer_.size())
        c.stopped = stops_[s.prompt->request][s.sample].feed(tokenizer_.token_bytes(drawn.token));
    }
    if (c.stopped || length(s) >= options_.max_completion_length) {
      ++finished_;
      if (on_finished_) on_finished_(s.prompt->request, static_cast<size_t>(s.sample), c);
      scheduler_.finish(s);
    }
  }

  const std::vector<int32_t>& prompt_ids(const PromptState& p) const {
    return requests_[p.request].prompt_ids;
  }
  // Tokens of the completion so far, those before its fork included.
  int32_t length(const SequenceState& s) {
    return requests_[s.prompt->request].begun(s.sample) + static_cast<int32_t>(completion(s).ids.size());
  }
  Completion& completion(const SequenceState& s) { return results_[s.prompt->request][s.sample]; }

  const Model& model_;
  const Tokenizer& tokenizer_;
  std::span<const GenerationRequest> requests_;
  const GenerationOptions& options_;
  const std::function<void(int64_t, int64_t)>& progress_;
  KeptActivations* keep_;
  const Finished& on_finished_;
  Scheduler scheduler_;
  std::vector<std::vector<Completion>> results_;
  std::vector<std::vector<StopMatcher>> stops_;
  std::vector<Shard> shards_;
  int64_t tokens_ = 0, finished_ = 0;
};

}  // namespace

std::vector<std::vector<Completion>> generate(const Model& model, const Tokenizer& tokenizer,
                                              std::span<const GenerationRequest> requests,
                                              const GenerationOptions& options,
                                              const std::function<void(int64_t, int64_t)>& progress,
                                              KeptActivations* keep, const Finished& finished) {
  COHORT_CHECK(options.max_completion_length > 0 && options.max_sequences > 0 && options.prefill_chunk > 0,
               "{} {} {}", options.max_completion_length, options.max_sequences, options.prefill_chunk);
  return Generator(model, tokenizer, requests, options, progress, keep, finished).run();
}

}  // namespace cohort
