// Every method of the table through the program: it learns, its bytes depend neither on kills nor on the machine, and a recipe
// that it cannot train is refused before step 1.
#include <nlohmann/json.hpp>

#include "run_support.h"

namespace cohort {
namespace {

using testing::lines_of;
using testing::Options;
using testing::RunFolder;

// Four questions whose answer is 1, as rows, as pairs, and with steps.
class Methods : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string rows, pairs;
    for (const char* prompt : {"0+1=", "1+0=", "2+3=", "3+3="}) {
      rows += fmt::format(
          "{{\"prompt\": \"{}\", \"completion\": \"1\", \"answer\": \"1\", \"steps\": [\"1\"]}}\n", prompt);
      pairs += fmt::format("{{\"prompt\": \"{}\", \"chosen\": \"1\", \"rejected\": \"2 3\"}}\n", prompt);
    }
    testing::write_text(folder_.file("rows.jsonl"), rows);
    testing::write_text(folder_.file("pairs.jsonl"), pairs);
  }
  Options options(const std::string& method, const Options& changes = {}) const {
    Options o{{"method", "\"" + method + "\""},
              {"model", fmt::format("\"{}\"", folder_.file("init").string())},
              {"data", fmt::format("\"{}\"", folder_.file("rows.jsonl").string())},
              {"train_batch_size", "64"},
              {"max_completion_length", "4"},
              {"learning_rate", "0.003"},
              {"lr_scheduler_type", "\"constant\""},
              {"max_steps", "60"},
              {"save_steps", "0"},
              {"num_threads", "1"}};
    if (method == "dpo") {
      o["data"] = fmt::format("\"{}\"", folder_.file("pairs.jsonl").string());
      o["train_batch_size"] = "4";
    } else if (method != "sft" && method != "distill") {
      o["reward_funcs"] = "[\"last_number\"]";
    }
    if (method == "grpo" || method == "online-rft" || method == "distill") o["num_generations"] = "16";
    if (method == "rft") o["num_generations"] = "64", o["train_batch_size"] = "4";
    if (method == "distill") o["teacher_model"] = o["model"];
    if (method == "ppo") o["critic_learning_rate"] = "0.003";
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }
  // A metric in every row that has it.
  std::vector<double> metric(const std::string& run, const char* name) const {
    std::vector<double> values;
    for (const std::string& line : lines_of(folder_.file(run) / "metrics.jsonl")) {
      const auto row = nlohmann::json::parse(line);
      if (row.contains(name) && row[name].is_number()) values.push_back(row[name].get<double>());
    }
    return values;
  }
  static double mean(const std::vector<double>& v, size_t first, size_t count) {
    double sum = 0;
    for (size_t i = first; i < first + count; ++i) sum += v.at(i) / static_cast<double>(count);
    return sum;
  }
  void expect_reward_rises(const std::string& run) const {
    const std::vector<double> reward = metric(run, "reward");
    ASSERT_EQ(reward.size(), 60u) << run;
    EXPECT_LT(mean(reward, 0, 10), 0.5) << run;
    EXPECT_GT(mean(reward, 50, 10), mean(reward, 0, 10) + 0.4) << run;
  }
  // Continues from each checkpoint but the last, with other machine settings, and compares.
  void expect_same_bytes(const std::string& method, const Options& changes) const {
    Options o = options(method, changes);
    o["max_steps"] = "8";
    o["save_steps"] = "4";
    o["train_batch_size"] = method == "rft" || method == "dpo" || method == "sft" ? "4" : "16";
    folder_.finish("whole", o);
    Options machine = o;
    machine["num_threads"] = "2";
    machine["micro_batch_tokens"] = "20";
    if (method != "sft" && method != "rft" && method != "dpo")
      machine["keep_rollout_activations"] = "\"false\"";
    folder_.finish("machine", machine);
    EXPECT_TRUE(testing::same_run(folder_.file("whole"), folder_.file("machine"), 8))
        << method << ": machine";
    std::filesystem::remove_all(folder_.file("machine") / "checkpoint-8");
    folder_.finish("machine", o, true);
    EXPECT_TRUE(testing::same_run(folder_.file("whole"), folder_.file("machine"), 8)) << method << ": resume";
    std::filesystem::remove_all(folder_.file("whole"));
    std::filesystem::remove_all(folder_.file("machine"));
  }
  void refused(const Options& o, const std::vector<std::string>& words) const {
    std::filesystem::remove_all(folder_.file("refused"));
    const testing::Process::Result r = testing::run_program(folder_.train("refused", o));
    EXPECT_NE(r.status, 0);
    for (const std::string& word : words)
      EXPECT_NE(r.text.find(word), std::string::npos) << word << " in:\n" << r.text;
    EXPECT_FALSE(std::filesystem::exists(folder_.file("refused") / "checkpoint-1"));
    EXPECT_EQ(r.text.find("step 1/"), std::string::npos) << r.text;
  }
  RunFolder folder_;
};

// Catches: a credit or coefficient that the loop hands on with the wrong sign, or not at all.
TEST_F(Methods, TheRewardRises) {
  const std::vector<std::pair<const char*, Options>> cases{
      {"online-rft", {}},
      {"grpo", {{"supervision", "\"process\""}, {"step_separator", "\"+\""}}},
      {"grpo", {{"advantage_estimator", "\"rloo\""}}},
      {"grpo", {{"advantage_estimator", "\"reinforce_plus_plus\""}}},
      {"grpo", {{"loss_type", "\"cispo\""}, {"epsilon_high", "5"}}},
      {"grpo", {{"beta", "0.01"}, {"sync_ref_model", "true"}, {"ref_model_sync_steps", "10"}}}};
  int i = 0;
  for (const auto& [method, changes] : cases) {
    const std::string run = fmt::format("run-{}", i++);
    folder_.finish(run, options(method, changes));
    expect_reward_rises(run);
  }
}

// Catches: token rewards, advantages or seeds that do not lead to the reward.
TEST_F(Methods, PpoLearns) {
  folder_.finish("ppo", options("ppo", {{"num_iterations", "2"}, {"kl_coef", "0.01"}}));
  const std::vector<double> reward = metric("ppo", "reward");
  ASSERT_EQ(reward.size(), 60u);
  EXPECT_GT(mean(reward, 50, 10), mean(reward, 0, 10) + 0.4);
  EXPECT_FALSE(metric("ppo", "objective/kl").empty());
}

// Catches: a critic that is not trained, or trained towards something else than the returns. Half of the questions have an answer that cannot
// be written, so that returns go on to differ, in a way that a critic can tell.
TEST_F(Methods, TheCriticExplainsTheReturns) {
  std::string rows;
  for (const char* prompt : {"0+1=", "1+0=", "2+3=", "3+3="})
    rows += fmt::format("{{\"prompt\": \"{}\", \"answer\": \"{}\"}}\n", prompt, prompt[0] < '2' ? 1 : 7);
  testing::write_text(folder_.file("rows.jsonl"), rows);
  folder_.finish("ppo", options("ppo", {{"num_iterations", "2"},
                                        {"kl_coef", "0"},
                                        {"vf_coef", "1"},
                                        {"cliprange_value", "10"},
                                        {"lam", "1"},
                                        {"max_steps", "120"}}));
  const std::vector<double> explained = metric("ppo", "explained_variance");
  ASSERT_GE(explained.size(), 100u);
  EXPECT_LT(mean(explained, 0, 5), 0.3);
  EXPECT_GT(mean(explained, explained.size() - 10, 10), 0.5);
}

// Catches: completions kept that are not right, and training that does not reach the weights.
TEST_F(Methods, RftTrainsOnItsOwnRightCompletions) {
  folder_.finish("rft", options("rft"));
  const std::vector<std::string> rows = lines_of(folder_.file("rft") / "own_completions.jsonl");
  ASSERT_GT(rows.size(), 4u);
  for (const std::string& line : rows) EXPECT_EQ(nlohmann::json::parse(line)["reward"], 1.0) << line;
  const std::vector<double> loss = metric("rft", "loss");
  EXPECT_LT(mean(loss, 50, 10), mean(loss, 0, 10) - 0.3);
}

// Catches: a reference that is the policy of now (margin 0 for ever), or chosen and rejected taken for each other.
TEST_F(Methods, DpoPrefersTheChosen) {
  folder_.finish("dpo", options("dpo"));
  const std::vector<double> margin = metric("dpo", "rewards/margins"),
                            right = metric("dpo", "rewards/accuracies");
  ASSERT_EQ(margin.size(), 60u);
  EXPECT_EQ(margin.front(), 0.0);
  EXPECT_GT(margin.back(), 0.5);
  EXPECT_EQ(right.back(), 1.0);
}

// Catches: a teacher that is not asked (the teacher here knows the answer, and no reward is given).
TEST_F(Methods, TheStudentComesNearTheTeacher) {
  folder_.finish("teacher", options("sft", {{"train_batch_size", "4"}}));
  folder_.finish(
      "student",
      options("distill",
              {{"teacher_model", fmt::format("\"{}\"", (folder_.file("teacher") / "checkpoint-60").string())},
               {"reward_funcs", "[\"last_number\"]"}}));
  expect_reward_rises("student");
}

// Catches: state that a checkpoint lacks (critic, its moments, a moved reference, kl_coef, kept rows), and bits that
// depend on threads or micro-batches.
TEST_F(Methods, BytesDependOnTheRecipeAlone) {
  expect_same_bytes("ppo", {{"num_iterations", "2"}, {"kl_target", "0.1"}, {"kl_horizon", "50"}});
  expect_same_bytes(
      "grpo",
      {{"beta", "0.1"}, {"sync_ref_model", "true"}, {"ref_model_sync_steps", "3"}, {"entropy_coef", "0.01"}});
  expect_same_bytes(
      "grpo", {{"supervision", "\"process\""}, {"step_separator", "\"+\""}, {"steps_per_generation", "2"}});
  expect_same_bytes("online-rft", {});
  expect_same_bytes("rft", {});
  expect_same_bytes("dpo", {});
  expect_same_bytes("distill", {{"num_iterations", "2"}});
}

// Catches: a recipe that silently ignores an option, and faults found after hours.
TEST_F(Methods, RecipesThatCannotBeTrained) {
  refused(options("sft", {{"kl_coef", "0.1"}}), {"kl_coef: method sft does not read it", "ppo"});
  refused(options("grpo", {{"label_smoothing", "0.1"}}),
          {"label_smoothing: method grpo does not read it", "dpo"});
  refused(options("grpo", {{"num_generations", "1"}}), {"num_generations", "at least 2, found 1"});
  refused(options("dpo", {{"beta", "0"}}), {"beta: dpo needs more than 0"});
  refused(options("dpo", {{"data", fmt::format("\"{}\"", folder_.file("rows.jsonl").string())}}),
          {"rows.jsonl:1", "chosen"});
  refused(options("distill", {{"teacher_model", "\"\""}}), {"teacher_model"});
  testing::write_text(folder_.file("bare.jsonl"), "{\"prompt\": \"0+1=\", \"answer\": \"1\"}\n");
  refused(options("grpo", {{"supervision", "\"process\""},
                           {"data", fmt::format("\"{}\"", folder_.file("bare.jsonl").string())}}),
          {"bare.jsonl:1", "steps"});
  refused(options("rft", {{"reward_threshold", "2"}}), {"rft: none of", "reward_threshold"});
}

}  // namespace
}  // namespace cohort
