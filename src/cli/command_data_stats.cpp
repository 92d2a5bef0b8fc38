#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/command_support.h"
#include "data/distinct.h"
#include "data/row_pass.h"
#include "model/checkpoint.h"
#include "run/chat_format.h"
#include "run/problem_maker.h"

namespace cohort {
namespace {

struct DataStatsSettings {
  Recipe recipe;
};

void declare(OptionTable& t, DataStatsSettings& s) {
  Recipe& r = s.recipe;
  t.add("data", &r.data, "a file of rows or the name of a built-in task").shown_as("FILE|TASK");
  t.add("model", &r.model, "whose tokens are counted").shown_as("DIR|GGUF");
  t.add("columns", &r.columns, "other names for the columns of a file, each NEW=OLD, such as prompt=question");
  t.add("deduplicate", &r.deduplicate, "counts the first row of each distinct prompt alone, as train does with it");
  t.add("max_prompt_length", &r.max_prompt_length, "counts the prompts that train would refuse as longer; 0: none")
      .at_least(0);
  t.add("max_completion_length", &r.max_completion_length, "counts the completions that are longer").at_least(1);
  t.add("prompt_prefix", &r.prompt_prefix, "text put before every prompt");
  t.add("prompt_suffix", &r.prompt_suffix, "text put after every prompt");
  add_chat_settings(t, r);
  t.add("task_digits", &r.task_digits, "a built-in task's difficulty").at_least(1).at_most(30);
  t.add("task_problems", &r.task_problems, "problems that a built-in task makes; 0: as many as it has").at_least(0);
  t.add("seed", &r.seed, "of a built-in task").at_least(0);
}

// How many rows have each length.
class Lengths {
 public:
  void add(size_t length) {
    ++rows_[static_cast<int64_t>(length)];
    ++count_;
  }
  int64_t count() const { return count_; }
  int64_t longer_than(int64_t limit) const {
    int64_t longer = 0;
    for (auto it = rows_.upper_bound(limit); it != rows_.end(); ++it) longer += it->second;
    return longer;
  }
  void print(const char* name) const {
    if (count_ == 0) return;
    double sum = 0;
    for (const auto& [length, rows] : rows_) sum += static_cast<double>(length) * static_cast<double>(rows);
    fmt::print("{:<12}{:>9}{:>9.1f}{:>9}{:>9}{:>9}{:>9}\n", name, count_, sum / static_cast<double>(count_), at(0), at(0.5),
               at(0.95), at(1));
  }

 private:
  int64_t at(double share) const {  // of the rows by length
    auto left = static_cast<int64_t>(share * static_cast<double>(count_ - 1));
    auto it = rows_.begin();
    for (; left >= it->second; ++it) left -= it->second;
    return it->first;
  }
  std::map<int64_t, int64_t> rows_;
  int64_t count_ = 0;
};

struct RowLengths {
  size_t prompt, completion;
  bool completed;
  TextHash128 prompt_hash;
};

int run_data_stats(std::span<const std::string> arguments) {
  DataStatsSettings s = read_options<DataStatsSettings, declare>("data stats", arguments);
  Recipe& r = s.recipe;
  require_option("data stats", "data", !r.data.empty(), kDataExpected);
  require_option("data stats", "model", !r.model.empty(), kModelExpected);
  r.method = "grpo";
  const Checkpoint checkpoint = load_checkpoint(r.model, Weights::later);
  const ProblemMaker maker(r.data, r, checkpoint.tokenizer);
  const std::unique_ptr<RowSource> source = open_rows(r.data, r);
  const auto measure = [&](int64_t i) {
    Row row = source->row(i);
    const TextHash128 hash = text_hash_128(key_of(*row.fields, RowKey::prompt));
    const Problem p = maker.make(std::move(row), RowKind::prompts);
    const std::vector<int32_t>& ids = p.row.completion_ids;
    const bool completed = !ids.empty() || !p.row.completion.empty();
    return RowLengths{p.prompt_ids.size(),
                      ids.empty() && completed ? checkpoint.tokenizer.encode(p.row.completion, false).size() : ids.size(),
                      completed, hash};
  };
  Lengths prompts, completions;
  DistinctTexts distinct;
  int64_t rows = 0;
  pass_over<RowLengths>(*source, "read " + r.data, measure, [&](int64_t, const RowLengths& row) {
    ++rows;
    if (!distinct.insert(row.prompt_hash) && r.deduplicate) return;
    prompts.add(row.prompt);
    if (row.completed) completions.add(row.completion);
  });
  fmt::print("{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "tokens", "rows", "mean", "shortest", "median", "95 %", "longest");
  prompts.print("prompt");
  completions.print("completion");
  fmt::print("{} distinct prompts of {}\n", distinct.size(), rows);
  if (r.deduplicate) fmt::print("{} rows are dropped, which repeat a prompt (deduplicate)\n", rows - distinct.size());
  if (r.max_prompt_length > 0)
    fmt::print("{} prompts are longer than {} tokens (max_prompt_length): train refuses them\n",
               prompts.longer_than(r.max_prompt_length), r.max_prompt_length);
  if (completions.count() > 0)
    fmt::print("{} completions are longer than {} tokens: a roll-out would be cut there (max_completion_length)\n",
               completions.longer_than(r.max_completion_length), r.max_completion_length);
  fmt::print("{} prompts leave no room for {} tokens of completion in the model's context of {}\n",
             prompts.longer_than(checkpoint.config.context() - r.max_completion_length),
             r.max_completion_length, checkpoint.config.context());
  return 0;
}

}  // namespace

const Command kDataStatsCommand = {"stats",
                                   "count the tokens of a data set, and what is too long",
                                   "cohort data stats --data FILE|TASK --model DIR|GGUF [--option value]...",
                                   "cohort data stats --data word_problems --model runs/quickstart/base --max_completion_length 32",
                                   options_help<DataStatsSettings, declare>,
                                   run_data_stats};

}  // namespace cohort
