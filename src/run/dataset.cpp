#include "run/dataset.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/log.h"
#include "data/distinct.h"
#include "data/row_pass.h"
#include "run/offline.h"
#include "run/problem_maker.h"
#include "run/sandbox_tool.h"

namespace cohort {

std::vector<int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer) {
  if (!config.eos_token_ids.empty()) return config.eos_token_ids;
  if (tokenizer.eos_token_id() >= 0) return {tokenizer.eos_token_id()};
  return {};
}

GenerationOptions generation_options(const Recipe& r, const ModelConfig& config, const Tokenizer& tokenizer) {
  GenerationOptions o;
  o.sampling = {static_cast<float>(r.temperature), static_cast<float>(r.top_p), static_cast<int32_t>(r.top_k),
                static_cast<float>(r.min_p)};
  o.max_completion_length = static_cast<int32_t>(r.max_completion_length);
  o.end_tokens = end_tokens(config, tokenizer);
  o.stop = r.stop;
  o.ignore_end = r.ignore_eos;
  o.seed = static_cast<uint64_t>(r.seed);
  o.max_sequences = static_cast<int32_t>(r.max_sequences);
  o.kv_memory_bytes = static_cast<int64_t>(r.kv_memory_gb * 1e9);
  o.tools = sandbox_tool(r);
  return o;
}

namespace {

// Rows of a data set that became problems, in order; the first `most`.
struct Chosen {
  size_t most = std::numeric_limits<size_t>::max();
  std::vector<uint32_t> rows;
  Longest longest;

  void add(int64_t row, const Problem& p) {
    if (rows.size() >= most) return;
    rows.push_back(static_cast<uint32_t>(row));
    longest.prompt = std::max(longest.prompt, std::ssize(p.prompt_ids));
    longest.completion = std::max({longest.completion, std::ssize(p.completion_ids), std::ssize(p.rejected_ids)});
  }
};

// A data set, and what the recipe makes of its rows.
class DataPass {
 public:
  DataPass(const std::string& data, RowKind kind, const Recipe& recipe, const Tokenizer& tokenizer,
           const ModelConfig& config)
      : data_(data),
        kind_(kind),
        held_out_kind_(held_out_kind(recipe)),
        recipe_(recipe),
        config_(config),
        source_(open_rows(data, recipe, kind)),
        maker_(std::make_shared<const ProblemMaker>(data, recipe, tokenizer)) {}

  void keep_at_most(size_t train, size_t held_out) { train_.most = train, held_out_.most = held_out; }

  // Looks at every row once. Held-out rows are passed over where nobody asks for them.
  void run(double holdout_fraction, bool want_held_out, const ProblemCheck& check);

  Problems train() { return on_demand(std::move(train_.rows), kind_); }
  Problems held_out() { return on_demand(std::move(held_out_.rows), held_out_kind_); }
  Longest longest_train() const { return train_.longest; }
  Longest longest_held_out() const { return held_out_.longest; }

 private:
  struct Seen {
    Problem problem;
    bool held_out;
    TextHash128 key;
  };
  Seen look_at(Row row, double holdout_fraction, bool want_held_out) const;
  Problems on_demand(std::vector<uint32_t> rows, RowKind kind) const;

  std::string data_;
  RowKind kind_, held_out_kind_;
  const Recipe& recipe_;
  const ModelConfig& config_;
  std::shared_ptr<RowSource> source_;
  std::shared_ptr<const ProblemMaker> maker_;
  Chosen train_, held_out_;
};

DataPass::Seen DataPass::look_at(Row row, double holdout_fraction, bool want_held_out) const {
  Seen seen{{}, is_held_out(row, holdout_fraction), {}};
  if (recipe_.deduplicate)
    seen.key = text_hash_128(key_of(*row.fields, kind_ == RowKind::prompts ? RowKey::prompt : RowKey::content));
  if (!seen.held_out || want_held_out)
    seen.problem = maker_->make_checked(std::move(row), seen.held_out ? held_out_kind_ : kind_, config_);
  return seen;
}

void DataPass::run(double holdout_fraction, bool want_held_out, const ProblemCheck& check) {
  DistinctTexts distinct;
  OfflineGroups groups(data_, recipe_.num_generations);
  Row last_held_out;
  int64_t dropped = 0;
  const auto take = [&](int64_t i, Seen seen) {
    const Problem& p = seen.problem;
    if (recipe_.deduplicate && !distinct.insert(seen.key)) {
      ++dropped;
    } else if (!seen.held_out) {
      const bool begins = kind_ != RowKind::samples || groups.add(p);
      if (check && begins) check(p, true);
      train_.add(i, p);
    } else if (want_held_out) {
      // One of a prompt's samples is enough to ask it again.
      const bool again = kind_ == RowKind::samples && last_held_out.line > 0 &&
                         p.row.question == last_held_out.question && p.row.prompt_ids == last_held_out.prompt_ids;
      if (again) return;
      if (kind_ == RowKind::samples) last_held_out = p.row;
      if (check) check(p, false);
      held_out_.add(i, p);
    }
  };
  pass_over<Seen>(*source_, "read " + data_,
                  [&](int64_t i) { return look_at(source_->row(i), holdout_fraction, want_held_out); }, take);
  groups.finish();
  if (recipe_.deduplicate)
    log_info("{}: {} of {} rows dropped, which repeat {} (deduplicate)", data_, dropped, source_->size(),
             kind_ == RowKind::prompts ? "a prompt" : "a prompt with the same completions");
}

Problems DataPass::on_demand(std::vector<uint32_t> chosen, RowKind kind) const {
  const auto rows = std::make_shared<const std::vector<uint32_t>>(std::move(chosen));
  const int64_t together = kind == RowKind::samples ? recipe_.num_generations : 1;
  return {std::ssize(*rows) / together,
          [source = source_, maker = maker_, config = config_, rows, kind, together](int64_t i) {
            const auto problem = [&](int64_t at) {
              return maker->make_checked(source->row((*rows)[static_cast<size_t>(at)]), kind, config);
            };
            Problem p = problem(i * together);
            for (int64_t k = 1; k < together; ++k) p.samples.push_back(problem(i * together + k).samples.at(0));
            return p;
          }};
}

}  // namespace

Datasets load_datasets(const Recipe& recipe, const Tokenizer& tokenizer, const ModelConfig& config,
                       const ProblemCheck& check) {
  const RowKind kind = row_kind(recipe);
  if (recipe.deduplicate && kind == RowKind::samples)
    fail("deduplicate: offline_rollouts have several rows of a prompt");
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  const size_t evaluated = recipe.eval_problems > 0 ? static_cast<size_t>(recipe.eval_problems) : kAll;
  DataPass data(recipe.data, kind, recipe, tokenizer, config);
  data.keep_at_most(kAll, evaluated);
  data.run(recipe.holdout_fraction, recipe.eval_data.empty(), check);
  Datasets sets{data.train(), {}, data.longest_train(), {}};
  if (sets.train.empty())
    fail("{}: no row is left for training with holdout_fraction {}", recipe.data, recipe.holdout_fraction);
  if (recipe.eval_data.empty()) {
    sets.eval = data.held_out();
    sets.longest_eval = data.longest_held_out();
    return sets;
  }
  DataPass eval(recipe.eval_data, held_out_kind(recipe), recipe, tokenizer, config);
  eval.keep_at_most(evaluated, 0);
  eval.run(0, false, [&](const Problem& p, bool) {
    if (check) check(p, false);
  });
  sets.eval = eval.train();
  sets.longest_eval = eval.longest_train();
  return sets;
}

}  // namespace cohort
