// Tools in a roll-out, through the program: a tiny model that was taught to write a block of shell code.
#include <cmath>
#include <nlohmann/json.hpp>

#include "run_support.h"
#include "sandbox/pool.h"

namespace cohort {
namespace {

using testing::json_lines;
using testing::lines_of;
using testing::run_program;
using Words = std::vector<std::string>;

class Tools : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::RunFolder;
    std::string rows;
    for (const char* sum : {"1+2", "3+4", "2+2", "5+3"})
      rows += nlohmann::json{{"prompt", std::string(sum) + "="},
                             {"completion", fmt::format("```sh\necho $(({}))\n```\n", sum)},
                             {"answer", std::to_string(sum[0] - '0' + sum[2] - '0')},
                             // characters of what is put in
                             {"note", "output0123456789\n```:abcdefghijklmnopqrstuvwxyz./"}}
                  .dump() +
              "\n";
    testing::write_text(folder_->file("rows.jsonl"), rows);
    // Its vocabulary is the characters of these texts.
    std::string texts;
    for (const auto& row : json_lines(folder_->file("rows.jsonl")))
      texts += nlohmann::json{{"prompt", row["prompt"]},
                              {"completion",
                               row["completion"].get<std::string>() + row["note"].get<std::string>()}}
                   .dump() +
               "\n";
    testing::write_text(folder_->file("texts.jsonl"), texts);
    succeed({"init", "--data", path("texts.jsonl"), "--output_dir", path("base"), "--seed", "1",
             "--hidden_size", "64", "--intermediate_size", "128", "--num_hidden_layers", "2"});
    // No end token behind the block: what comes next is the tool's.
    succeed({"train", "--method", "sft", "--model", path("base"), "--data", path("rows.jsonl"),
             "--output_dir", path("sft"), "--max_steps", "150", "--train_batch_size", "4", "--learning_rate",
             "0.003", "--num_threads", "1"});
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  void SetUp() override {
    const SandboxSupport support = sandbox_support();
    if (!support.ok) GTEST_SKIP() << "no sandbox here: " << support.missing;
  }
  static std::string path(const std::string& name) { return folder_->file(name).string(); }
  static void succeed(const Words& words) {
    const auto r = run_program(words);
    ASSERT_EQ(r.status, 0) << r.text;
  }
  static Words grpo(const std::string& run, const Words& more) {
    Words words{"train",
                "--model",
                path("sft") + "/checkpoint-150",
                "--data",
                path("rows.jsonl"),
                "--output_dir",
                path(run),
                "--reward_funcs",
                "last_number",
                "--num_generations",
                "4",
                "--train_batch_size",
                "16",
                "--max_completion_length",
                "64",
                "--max_steps",
                "4",
                "--save_steps",
                "2",
                "--learning_rate",
                "0.0005",
                "--num_threads",
                "1",
                "--tool_command",
                "sh",
                "--tool_fence",
                "sh",
                "--max_tool_calling_iterations",
                "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static testing::RunFolder* folder_;
};
testing::RunFolder* Tools::folder_ = nullptr;

// Catches: outputs that are not inserted, that stand at another place, that have log-probs of their own or count as
// the model's tokens, calls beyond the limit, and an output that is longer than it may be.
TEST_F(Tools, OutputsAreInsertedAndTheModelGoesOn) {
  succeed(grpo("run", {}));
  int called = 0;
  double sampled = 0, rows = 0;
  for (const auto& row : json_lines(folder_->file("run") / "samples.jsonl")) {
    const std::string text = row["completion"];
    const auto log_probs = row["log_probs"].get<std::vector<double>>();
    if (row["step"] == 1) {
      sampled += static_cast<double>(log_probs.size()), ++rows;
      for (const auto& part : row.value("inserted", nlohmann::json::array()))
        sampled -= part[1].get<double>() - part[0].get<double>();
    }
    if (row.contains("inserted")) {
      ++called;
      ASSERT_EQ(row["inserted"].size(), 1u) << row;  // one call at most
      const size_t begin = row["inserted"][0][0], end = row["inserted"][0][1];
      for (size_t t = 0; t < log_probs.size(); ++t)
        EXPECT_EQ(log_probs[t] == 0, t >= begin && t < end) << row;
      if (text.size() != log_probs.size()) continue;  // else each character is a token
      EXPECT_TRUE(text.substr(0, begin).ends_with("\n```\n")) << row;
      EXPECT_TRUE(text.substr(begin, end - begin).starts_with("```output\n")) << row;
      if (text.starts_with("```sh\necho $((1+2))\n```\n")) {
        EXPECT_EQ(text.substr(begin, end - begin), "```output\n3\n```\n");
      }
    }
  }
  EXPECT_GT(called, 16);
  EXPECT_NEAR(
      json_lines(folder_->file("run") / "metrics.jsonl").at(0)["completions/mean_length"].get<double>(),
      sampled / rows, 1e-9);
  EXPECT_GE(lines_of(folder_->file("run") / "tools.jsonl").size(), 16u);
}

// Catches: an inserted token that has a ratio (its log-prob was recorded as 0), and so a clip, a share of the loss, a
// seed.
TEST_F(Tools, TheRatioOfAnInsertedTokenIsNotLookedAt) {
  succeed(grpo("two", {"--num_iterations", "2", "--loss_type", "grpo"}));
  for (const auto& row : json_lines(folder_->file("two") / "metrics.jsonl")) {
    if (row["step"].get<int>() % 2 == 0) continue;  // the first update after a roll-out: every ratio is 1
    EXPECT_EQ(row["clip_ratio/region_mean"].get<double>(), 0);
    EXPECT_NEAR(row["loss"].get<double>(), 0, 1e-6);
  }
}

// Catches: a run that depends on threads, micro-batches or where it was interrupted; code that says another thing
// when it is run again (the date in nanoseconds) and is not taken from the journal.
TEST_F(Tools, ResumesByteForByte) {
  Words machine{"--num_threads", "2", "--micro_batch_tokens", "100", "--max_sequences", "3"};
  succeed(grpo("whole", {}));
  succeed(grpo("machine", machine));
  EXPECT_TRUE(testing::same_run(folder_->file("whole"), folder_->file("machine"), 4));
  const Words clock{"--tool_command", "date +%N -r"};  // when the program's file was made
  machine.insert(machine.end(), clock.begin(), clock.end());
  succeed(grpo("clock", clock));
  std::filesystem::copy(folder_->file("clock"), folder_->file("resumed"),
                        std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(folder_->file("resumed") / "checkpoint-4");
  machine.emplace_back("--resume");
  succeed(grpo("resumed", machine));
  EXPECT_TRUE(testing::same_run(folder_->file("clock"), folder_->file("resumed"), 4));
  EXPECT_EQ(read_file(folder_->file("clock") / "tools.jsonl"),
            read_file(folder_->file("resumed") / "tools.jsonl"));
}

// Catches: a command that is missing found after hours, and options that cannot go together.
TEST_F(Tools, WhatCannotBeRunIsRefusedAtOnce) {
  const auto refused = [&](const Words& more, const char* text) {
    std::filesystem::remove_all(folder_->file("refused"));
    const auto r = run_program(grpo("refused", more));
    EXPECT_EQ(r.status, 1);
    EXPECT_NE(r.text.find(text), std::string::npos) << r.text;
  };
  refused({"--tool_command", "no-such-interpreter"}, "tool_command: \"no-such-interpreter\" does not run");
  refused({"--keep_rollout_activations", "true"}, "keep_rollout_activations");
}

}  // namespace
}  // namespace cohort
