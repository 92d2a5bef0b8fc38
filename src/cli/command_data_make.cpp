#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json.h"
#include "base/row_writer.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "data/row_pass.h"
#include "run/problem_maker.h"

namespace cohort {
namespace {

struct DataMakeSettings {
  Recipe recipe;
  std::string output, held_out;
};

void declare(OptionTable& t, DataMakeSettings& s) {
  t.add("data", &s.recipe.data, "the name of a built-in task, or a JSONL file (to split it)")
      .shown_as("TASK|FILE");
  t.add("task_digits", &s.recipe.task_digits, "a built-in task's difficulty: digits of its numbers, or how many there are").at_least(1).at_most(30);
  t.add("task_problems", &s.recipe.task_problems, "problems that a built-in task makes; 0: as many as it has")
      .at_least(0);
  t.add("seed", &s.recipe.seed, "the same seed gives the same problems").at_least(0);
  t.add("output", &s.output, "where to write the rows; the terminal where empty").shown_as("FILE");
  t.add("holdout_fraction", &s.recipe.holdout_fraction,
        "share of the distinct prompts that goes to held_out, chosen by their hash as train does")
      .at_least(0)
      .at_most(0.9);
  t.add("held_out", &s.held_out, "where to write the rows held out").shown_as("FILE");
}

int run_data_make(std::span<const std::string> arguments) {
  const DataMakeSettings s = read_options<DataMakeSettings, declare>("data make", arguments);
  require_option("data make", "data", !s.recipe.data.empty(), kDataExpected);
  if ((s.recipe.holdout_fraction > 0) == s.held_out.empty())
    fail("data make: --held_out and --holdout_fraction go together: a file, and the share of prompts it gets");
  RowWriter kept(s.output);
  std::optional<RowWriter> held_out;
  if (!s.held_out.empty()) held_out.emplace(s.held_out);
  const std::unique_ptr<RowSource> source = open_rows(s.recipe.data, s.recipe);
  pass_over<Row>(*source, "read " + s.recipe.data, [&](int64_t i) { return source->row(i); },
                 [&](int64_t, const Row& row) {
                   RowWriter& writer = is_held_out(row, s.recipe.holdout_fraction) ? *held_out : kept;
                   writer.append(dump_json(*row.fields) + "\n");
                 });
  if (held_out) held_out->finish();
  kept.finish();
  return 0;
}

}  // namespace

const Command kDataMakeCommand = {"make",
                                  "write a built-in task's rows as a JSONL file, to look at, mix and split",
                                  "cohort data make --data TASK [--output FILE] [--option value]...",
                                  "cohort data make --data carries --task_digits 3 --task_problems 5",
                                  options_help<DataMakeSettings, declare>,
                                  run_data_make};

}  // namespace cohort
