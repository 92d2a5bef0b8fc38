#include <algorithm>
#include <numeric>
#include <set>

#include "cli/cli.h"
#include "cli/command_support.h"
#include "model/checkpoint.h"
#include "run/chat_format.h"
#include "run/dataset.h"

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

void print_lengths(const char* name, std::vector<size_t> lengths) {
  if (lengths.empty()) return;
  std::ranges::sort(lengths);
  const auto at = [&](double share) { return lengths[static_cast<size_t>(share * static_cast<double>(lengths.size() - 1))]; };
  const auto sum = std::accumulate(lengths.begin(), lengths.end(), size_t{0});
  fmt::print("{:<12}{:>9}{:>9.1f}{:>9}{:>9}{:>9}{:>9}\n", name, lengths.size(),
             static_cast<double>(sum) / static_cast<double>(lengths.size()), at(0), at(0.5), at(0.95), at(1));
}

size_t longer_than(const std::vector<size_t>& lengths, int64_t limit) {
  return static_cast<size_t>(
      std::ranges::count_if(lengths, [&](size_t n) { return static_cast<int64_t>(n) > limit; }));
}

int run_data_stats(std::span<const std::string> arguments) {
  DataStatsSettings s = read_options<DataStatsSettings, declare>("data stats", arguments);
  Recipe& r = s.recipe;
  require_option("data stats", "data", !r.data.empty(), kDataExpected);
  require_option("data stats", "model", !r.model.empty(), kModelExpected);
  r.method = "grpo";
  const Checkpoint checkpoint = load_checkpoint(r.model, Weights::later);
  std::vector<Row> rows = load_rows(r.data, r);
  std::vector<size_t> prompts, completions;
  std::set<std::string> distinct;
  for (const Problem& p : prompts_of(rows, r, checkpoint.tokenizer)) {
    prompts.push_back(p.prompt_ids.size());
    distinct.insert(p.row.prompt);
    if (!p.row.completion_ids.empty() || !p.row.completion.empty())
      completions.push_back(p.row.completion_ids.empty() ? checkpoint.tokenizer.encode(p.row.completion, false).size()
                                                         : p.row.completion_ids.size());
  }
  fmt::print("{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "tokens", "rows", "mean", "shortest", "median", "95 %", "longest");
  print_lengths("prompt", prompts);
  print_lengths("completion", completions);
  fmt::print("{} distinct prompts of {}\n", distinct.size(), prompts.size());
  if (r.max_prompt_length > 0)
    fmt::print("{} prompts are longer than {} tokens (max_prompt_length): train refuses them\n",
               longer_than(prompts, r.max_prompt_length), r.max_prompt_length);
  if (!completions.empty())
    fmt::print("{} completions are longer than {} tokens: a roll-out would be cut there (max_completion_length)\n",
               longer_than(completions, r.max_completion_length), r.max_completion_length);
  fmt::print("{} prompts leave no room for {} tokens of completion in the model's context of {}\n",
             longer_than(prompts, checkpoint.config.context() - r.max_completion_length),
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
