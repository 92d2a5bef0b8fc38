// Completions that another engine drew, through the program.
#include "methods_support.h"

namespace cohort {
namespace {

using nlohmann::json;
using testing::Methods;
using testing::Options;

class Offline : public Methods {
 protected:
  // The samples of an online run's step as rows that another engine could have written.
  void write_samples(const std::string& run, double shift) const {
    std::string rows;
    for (const json& sample : testing::json_lines(folder_.file(run) / "samples.jsonl")) {
      if (sample["step"] != 1) continue;
      json row{{"prompt", sample["prompt"]},
               {"completion_ids", sample["completion_ids"]},
               {"finish_reason", sample["finish_reason"]},
               {"answer", "1"}};
      for (const json& p : sample["log_probs"]) row["log_probs"].push_back(p.get<double>() + shift);
      rows += row.dump() + "\n";
    }
    testing::write_text(folder_.file("samples.jsonl"), rows);
  }
  Options offline(const Options& changes = {}) const {
    Options o = options("grpo", {{"data", fmt::format("\"{}\"", folder_.file("samples.jsonl").string())},
                                 {"offline_rollouts", "true"},
                                 {"shuffle_dataset", "false"},
                                 {"max_steps", "1"}});
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }
};

// Catches: anything that makes a difference between samples of the policy's own that are read and those that
// are drawn: their old log-probs, groups, rewards, credit, weights.
TEST_F(Offline, OwnSamplesReadBackGiveTheSameStep) {
  folder_.finish("online", options("grpo", {{"shuffle_dataset", "false"}, {"max_steps", "1"}}));
  write_samples("online", 0);
  folder_.finish("read", offline());
  EXPECT_EQ(read_file(folder_.file("online") / "checkpoint-1/model.safetensors"),
            read_file(folder_.file("read") / "checkpoint-1/model.safetensors"));
  EXPECT_EQ(metric("read", "sampling/importance_sampling_ratio/mean"), std::vector<double>{1});
  EXPECT_EQ(metric("read", "sampling/sampling_logp_difference/max"), std::vector<double>{0});
}

// Catches: the ratio upside down, and bounds that are not applied.
TEST_F(Offline, WhatTheSamplerFoundUnlikelyWeighsMore) {
  folder_.finish("online", options("grpo", {{"max_steps", "1"}}));
  write_samples("online", -0.25);
  const Options tokens{{"importance_sampling_mode", "\"token_truncate\""}};
  folder_.finish("free", offline(tokens));
  EXPECT_NEAR(metric("free", "sampling/importance_sampling_ratio/mean").at(0), 1.2840254, 1e-5);
  Options cut = tokens;
  cut["importance_sampling_clip_max"] = "1.1";
  folder_.finish("cut", offline(cut));
  EXPECT_NEAR(metric("cut", "sampling/importance_sampling_ratio/max").at(0), 1.1, 1e-6);
  folder_.finish("none", offline({{"importance_sampling_mode", "\"token_mask\""},
                                  {"importance_sampling_clip_max", "1.1"}}));
  EXPECT_EQ(metric("none", "grad_norm"), std::vector<double>{0});
}

// Catches: rows that cannot be trained on and are.
TEST_F(Offline, WhatIsRefused) {
  const auto with_rows = [&](const std::string& rows, const std::vector<std::string>& words) {
    testing::write_text(folder_.file("samples.jsonl"), rows);
    refused(offline({{"num_generations", "2"}, {"train_batch_size", "2"}}), words);
  };
  const std::string row =
      R"({"prompt": "0+1=", "completion_ids": [1, 2], "log_probs": [-1, -2], "answer": "1"})";
  with_rows(row + "\n", {"samples.jsonl", "1 completions", "num_generations = 2"});
  with_rows(R"({"prompt": "0+1=", "completion_ids": [1, 2], "answer": "1"})",
            {"samples.jsonl:1", "log_probs", "found none"});
  with_rows(R"({"prompt": "0+1=", "completion_ids": [1, 2], "log_probs": [-1], "answer": "1"})",
            {"samples.jsonl:1", "2 tokens, found 1"});
  with_rows(R"({"prompt": "0+1=", "completion_ids": [1, 2], "log_probs": [-1, 0.5], "answer": "1"})",
            {"samples.jsonl:1", "log_probs", "0.5", "at most 0"});
  with_rows(R"({"prompt": "0+1=", "completion_ids": [1, 999], "log_probs": [-1, -1], "answer": "1"})"
            "\n" +
                row,
            {"999"});
  testing::write_text(folder_.file("samples.jsonl"), row + "\n" + row + "\n");
  refused(offline({{"loss_type", "\"vespo\""}}), {"loss_type", "vespo", "offline_rollouts"});
  refused(offline({{"data", "\"addition\""}}), {"offline_rollouts", "built-in task addition"});
  refused(offline({{"filter_groups", "true"}}), {"filter_groups", "offline_rollouts"});
}

}  // namespace
}  // namespace cohort
