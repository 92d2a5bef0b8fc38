#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "model/checkpoint.h"
#include "run/problem_maker.h"

namespace cohort {
namespace {

constexpr size_t kValueShown = 400;              // letters of a value
constexpr int64_t kCounted = int64_t{64} << 20;  // bytes of text whose rows are counted

struct DataHeadSettings {
  Recipe recipe;
  int64_t rows = 3;
};

void declare(OptionTable& t, DataHeadSettings& s) {
  t.add("data", &s.recipe.data, "a file of rows (JSONL, JSON, CSV, TSV, Parquet; .gz and .zst too) or the name of a built-in task")
      .shown_as("FILE|TASK");
  t.add("columns", &s.recipe.columns, "other names for the columns of a file, each NEW=OLD, such as prompt=question");
  t.add("rows", &s.rows, "how many").at_least(1);
  t.add("model", &s.recipe.model, "shows each prompt as this model sees it: rendered by its chat template, and as tokens")
      .shown_as("DIR|GGUF");
  t.add("prompt_prefix", &s.recipe.prompt_prefix, "text put before every prompt");
  t.add("prompt_suffix", &s.recipe.prompt_suffix, "text put after every prompt");
  add_chat_settings(t, s.recipe);
  t.add("task_digits", &s.recipe.task_digits, "a built-in task's difficulty").at_least(1).at_most(30);
  t.add("seed", &s.recipe.seed, "of a built-in task").at_least(0);
}

int run_data_head(std::span<const std::string> arguments) {
  DataHeadSettings s = read_options<DataHeadSettings, declare>("data head", arguments);
  require_option("data head", "data", !s.recipe.data.empty(), kDataExpected);
  s.recipe.method = "grpo";
  const std::unique_ptr<RowSource> source = open_first_rows(s.recipe.data, s.recipe, s.rows);
  std::vector<Row> rows;
  for (int64_t i = 0; i < std::min(s.rows, source->size()); ++i) rows.push_back(source->row(i));
  std::optional<ProblemMaker> maker;
  if (!s.recipe.model.empty())
    maker.emplace(s.recipe.data, s.recipe, load_checkpoint(s.recipe.model, Weights::later).tokenizer);
  // A large file is not read to its end to count its rows.
  bool counted = false;
  while (!source->cut() && source->total() <= kCounted && !counted) counted = source->find(1 << 20) == 0;
  if (counted)
    fmt::print("{}: {} rows\n", s.recipe.data, source->size());
  else
    fmt::print("{}: the first rows of many\n", s.recipe.data);
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print("\nrow {}\n", i + 1);
    for (const auto& [name, value] : rows[i].fields->items()) {
      const std::string text = value.is_string() ? json_text(value.get<std::string>()) : dump_json(value);
      fmt::print("  {}: {:.{}}{}\n", name, text, kValueShown, text.size() > kValueShown ? " ..." : "");
    }
    if (!maker) continue;
    const Problem seen = maker->make(rows[i], RowKind::prompts);
    fmt::print("  the model sees {} tokens: {}\n", seen.prompt_ids.size(), json_text(seen.row.prompt));
  }
  return 0;
}

}  // namespace

const Command kDataHeadCommand = {
    "head",
    "show the first rows of a data set, and what a model sees of them",
    "cohort data head --data FILE|TASK [--model DIR|GGUF] [--option value]...",
    "cohort data head --data problems.csv.gz --columns prompt=question --model models/SmolLM2-135M-Instruct.Q4_1.gguf",
    options_help<DataHeadSettings, declare>,
    run_data_head};

}  // namespace cohort
