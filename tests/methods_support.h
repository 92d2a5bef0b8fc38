// For tests of methods through the program: one tiny task that all of them can learn.
#pragma once

#include <nlohmann/json.hpp>

#include "run_support.h"

namespace cohort::testing {

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
    write_text(folder_.file("rows.jsonl"), rows);
    write_text(folder_.file("pairs.jsonl"), pairs);
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
    if (method == "grpo" || method == "online-rft" || method == "distill" || method == "trpo")
      o["num_generations"] = "16";
    if (method == "trpo") o.erase("learning_rate"), o.erase("lr_scheduler_type");
    if (method == "rft") o["num_generations"] = "64", o["train_batch_size"] = "4";
    if (method == "distill") o["teacher_model"] = o["model"];
    if (method == "ppo") o["critic_learning_rate"] = "0.003";
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }
  // A metric in every row that has it.
  std::vector<double> metric(const std::string& run, const char* name) const {
    std::vector<double> values;
    for (const nlohmann::json& row : json_lines(folder_.file(run) / "metrics.jsonl"))
      if (row.contains(name) && row[name].is_number()) values.push_back(row[name].get<double>());
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
    EXPECT_TRUE(same_run(folder_.file("whole"), folder_.file("machine"), 8)) << method << ": machine";
    std::filesystem::remove_all(folder_.file("machine") / "checkpoint-8");
    folder_.finish("machine", o, true);
    EXPECT_TRUE(same_run(folder_.file("whole"), folder_.file("machine"), 8)) << method << ": resume";
    std::filesystem::remove_all(folder_.file("whole"));
    std::filesystem::remove_all(folder_.file("machine"));
  }
  void refused(const Options& o, const std::vector<std::string>& words) const {
    std::filesystem::remove_all(folder_.file("refused"));
    const Process::Result r = run_program(folder_.train("refused", o));
    EXPECT_NE(r.status, 0);
    for (const std::string& word : words)
      EXPECT_NE(r.text.find(word), std::string::npos) << word << " in:\n" << r.text;
    EXPECT_FALSE(std::filesystem::exists(folder_.file("refused") / "checkpoint-1"));
    EXPECT_EQ(r.text.find("step 1/"), std::string::npos) << r.text;
  }
  RunFolder folder_;
};

}  // namespace cohort::testing
