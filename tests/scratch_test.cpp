// What a comparison from scratch needs beside training: data and models made by the program, and the pages at
// the end.
#include <nlohmann/json.hpp>
#include <set>

#include "data/tasks.h"
#include "run_support.h"

namespace cohort {
namespace {

using testing::lines_of;
using testing::run_program;

class Data : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.file(name).string(); }
  // Supervised training on the rows, evaluated on them.
  void train(const std::string& run, const std::vector<std::string>& more) const {
    std::vector<std::string> words{"train",
                                   "--method",
                                   "sft",
                                   "--model",
                                   file("init"),
                                   "--data",
                                   file("rows.jsonl"),
                                   "--eval_data",
                                   file("rows.jsonl"),
                                   "--reward_funcs",
                                   "last_number",
                                   "--max_completion_length",
                                   "12",
                                   "--output_dir",
                                   file(run)};
    words.insert(words.end(), more.begin(), more.end());
    const auto trained = run_program(words);
    ASSERT_EQ(trained.status, 0) << trained.text;
  }
  testing::RunFolder folder_;
};

// Catches: rows that are not the task's, problems that stand on both sides of the split or on none, and a
// split that is not the one that train makes of the same prompts.
TEST_F(Data, ATaskAsAFileSplitAsTrainSplitsIt) {
  const auto made = run_program({"data", "make", "--data", "carries", "--task_digits", "2", "--task_problems", "200",
                                 "--seed", "5", "--holdout_fraction", "0.25", "--output", file("train.jsonl"),
                                 "--held_out", file("held_out.jsonl")});
  ASSERT_EQ(made.status, 0) << made.text;
  const std::vector<Row> rows = make_rows("carries", {.digits = 2, .rows = 200}, 5);
  const Split split = split_by_question(rows, 0.25);
  for (const auto& [name, expected] :
       {std::pair("train.jsonl", &split.train), {"held_out.jsonl", &split.held_out}}) {
    const std::vector<std::string> lines = lines_of(file(name));
    ASSERT_EQ(lines.size(), expected->size());
    for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], (*expected)[i].fields->dump());
  }
  const auto refused = run_program({"data", "make", "--data", "carries", "--holdout_fraction", "0.25"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.text.find("--held_out"), std::string::npos) << refused.text;
}

// Catches: a made model that cannot read its data, that does not depend on the seed alone, or that replaces a
// folder.
TEST_F(Data, AModelToTrainFromScratch) {
  const auto init = [&](const char* folder, const char* seed) {
    return run_program({"init", "--data", "carries", "--data", "products", "--output_dir", file(folder),
                        "--seed", seed, "--hidden_size", "32", "--intermediate_size", "48",
                        "--num_hidden_layers", "1"});
  };
  ASSERT_EQ(init("a", "1").status, 0);
  ASSERT_EQ(init("b", "1").status, 0);
  ASSERT_EQ(init("c", "2").status, 0);
  const auto weights = [&](const char* folder) {
    return read_file(folder_.file(folder) / "model.safetensors");
  };
  EXPECT_EQ(weights("a"), weights("b"));
  EXPECT_NE(weights("a"), weights("c"));
  const auto again = init("a", "1");
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.text.find("expected a new folder"), std::string::npos) << again.text;
  for (const char* task : {"carries", "products"}) {
    const auto trained =
        run_program({"train", "--method", "sft", "--model", file("a"), "--data", task, "--task_digits", "3",
                     "--task_problems", "20", "--max_steps", "1", "--output_dir", file(task)});
    EXPECT_EQ(trained.status, 0) << trained.text;
  }
  const auto odd =
      run_program({"init", "--data", "carries", "--output_dir", file("d"), "--hidden_size", "30"});
  EXPECT_EQ(odd.status, 1);
  EXPECT_NE(odd.text.find("hidden_size: expected a multiple of num_attention_heads"), std::string::npos)
      << odd.text;
}

// Catches: bounds of an evaluation's curves in the metrics that do not hold the value.
TEST_F(Data, MetricsHaveTheIntervalsOfTheCurves) {
  train("run", {"--max_steps", "2", "--eval_steps", "2", "--num_generations_eval", "4"});
  int found = 0;
  for (const auto& row : testing::json_lines(folder_.file("run") / "metrics.jsonl")) {
    for (const char* name : {"eval_pass@2", "eval_pass@4", "eval_maj@4"}) {
      if (!row.contains(name)) continue;
      ++found;
      EXPECT_LE(row[std::string(name) + "_low"].get<double>(), row[name].get<double>());
      EXPECT_GE(row[std::string(name) + "_high"].get<double>(), row[name].get<double>());
    }
  }
  EXPECT_EQ(found, 6);
}

// Catches: a summary of eval that report cannot read, a picture where a page was asked for or the reverse,
// runs of the program that cannot be compared with one another, and a page that is written where nobody asked
// for it.
TEST_F(Data, ReportsOfAnEvaluationAndOfSeveralRuns) {
  const auto evaluated =
      run_program({"eval", "--model", file("init"), "--compare", file("init"), "--data", file("rows.jsonl"),
                   "--reward_funcs", "last_number", "--num_generations", "4", "--max_completion_length", "12",
                   "--output", file("samples.jsonl"), "--summary", file("figures.json")});
  ASSERT_EQ(evaluated.status, 0) << evaluated.text;
  for (const char* seed : {"1", "2"})
    train(std::string("sft-") + seed, {"--max_steps", "1", "--eval_steps", "1", "--seed", seed});
  const auto report = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "report");
    return run_program(words);
  };
  ASSERT_EQ(report({file("figures.json")}).status, 0);
  ASSERT_EQ(report({file("figures.json"), "--output", file("figures.svg")}).status, 0);
  const auto compared =
      report({"--compare", file("sft-1"), file("sft-2"), "--output", file("compared.html")});
  ASSERT_EQ(compared.status, 0) << compared.text;
  EXPECT_TRUE(read_file(file("figures.html")).starts_with("<!doctype html>"));
  EXPECT_TRUE(read_file(file("figures.svg")).starts_with("<svg"));
  EXPECT_NE(read_file(file("compared.html")).find("mean of 2 seeds"), std::string::npos);
  for (const auto& [words, expected] :
       {std::pair<std::vector<std::string>, const char*>{{"--compare", file("sft-1")},
                                                         "--compare needs --output"},
        {{file("sft-1"), "--output", file("x.html")}, "--output goes with --compare"},
        {{file("figures.json"), file("sft-1")}, "expected one summary"},
        {{file("rows.jsonl")}, "rows.jsonl"}}) {
    const auto refused = report(words);
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.text.find(expected), std::string::npos) << refused.text;
  }
  EXPECT_FALSE(std::filesystem::exists(file("x.html")));
}

}  // namespace
}  // namespace cohort
