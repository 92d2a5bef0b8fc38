// Iterative GRPO through the program: a reward model that goes on training on the policy's samples.
#include "methods_support.h"

namespace cohort {
namespace {

using testing::Methods;
using testing::Options;

class Iterations : public Methods {
 protected:
  // A reward model that takes wrong for right: one small step on reversed pairs.
  void SetUp() override {
    Methods::SetUp();
    testing::write_text(folder_.file("pairs.jsonl"),
                        "{\"prompt\": \"0+1=\", \"chosen\": \"2 3\", \"rejected\": \"1\"}\n");
    const auto r = testing::run_program({"reward", "train", "--model", folder_.file("init").string(),
                                         "--data", folder_.file("pairs.jsonl").string(), "--output_dir",
                                         folder_.file("reward").string(), "--max_steps", "1",
                                         "--learning_rate", "1e-6", "--holdout_fraction", "0"});
    ASSERT_EQ(r.status, 0) << r.text;
  }
  Options iterative(const Options& changes = {}) const {
    Options o = options("grpo", {{"steps_per_iteration", "4"},
                                 {"reward_model_label", "\"last_number\""},
                                 {"reward_model_learning_rate", "0.003"},
                                 {"reward_model_batch_size", "4"},
                                 {"reward_weights", "[0, 1]"},
                                 {"max_steps", "24"}});
    o["reward_funcs"] =
        fmt::format("[\"last_number\", \"model:{}\"]", (folder_.file("reward") / "checkpoint-1").string());
    for (const auto& [name, value] : changes) o[name] = value;
    return o;
  }
};

// Catches: a reward model that does not learn from the samples, and pairs that are not replayed or are
// replayed wholly. The policy stands still here, so that only the reward model can change.
TEST_F(Iterations, TheRewardModelLearnsFromThePolicysSamples) {
  folder_.finish("run", iterative({{"learning_rate", "0"}, {"max_steps", "40"}}));
  const std::vector<double> accuracy = metric("run", "reward_model/accuracy"),
                            pairs = metric("run", "reward_model/pairs"),
                            replayed = metric("run", "reward_model/replayed");
  ASSERT_EQ(accuracy.size(), 10u);
  EXPECT_EQ(replayed.at(0), 0);
  EXPECT_GT(replayed.at(1), 0);
  for (size_t i = 1; i < pairs.size(); ++i)
    EXPECT_LE(std::fabs(replayed[i] - 0.1 * pairs[i]), 1.0) << "iteration " << i + 1;
  EXPECT_GT(mean(accuracy, 7, 3), 0.9);
  folder_.finish(
      "still", iterative({{"learning_rate", "0"}, {"max_steps", "40"}, {"reward_model_learning_rate", "0"}}));
  EXPECT_LT(mean(metric("still", "reward_model/accuracy"), 7, 3), 0.5);
}

// Catches: a reference that stays where it was (the KL term would be above 0 in the first step of an
// iteration).
TEST_F(Iterations, TheReferenceBecomesThePolicy) {
  folder_.finish("run", iterative({{"beta", "0.04"}, {"max_steps", "10"}, {"reward_weights", "[1, 0]"}}));
  const std::vector<double> kl = metric("run", "kl");
  ASSERT_EQ(kl.size(), 10u);
  for (size_t step = 0; step < kl.size(); ++step)
    EXPECT_EQ(kl[step] == 0, step % 4 == 0) << "step " << step + 1 << ": " << kl[step];
}

// Catches: state of the reward model that a checkpoint lacks.
TEST_F(Iterations, BytesDependOnTheRecipeAlone) {
  Options o = iterative({{"steps_per_iteration", "2"}, {"beta", "0.04"}});
  expect_same_bytes("grpo", o);
}

// Catches: recipes whose iterations cannot be made.
TEST_F(Iterations, WhatIsRefused) {
  refused(iterative({{"reward_funcs", "[\"last_number\"]"}, {"reward_weights", "[1]"}}),
          {"steps_per_iteration", "model:PATH", "found 0"});
  refused(iterative({{"reward_model_label", "\"answer_tag\""}}), {"reward_model_label", "answer_tag"});
  refused(iterative({{"offload_reward_models", "true"}}), {"offload_reward_models"});
  refused(iterative({{"num_iterations", "3"}}), {"steps_per_iteration (4)", "multiple"});
  refused(options("ppo", {{"steps_per_iteration", "4"}}),
          {"steps_per_iteration: method ppo does not read it"});
}

}  // namespace
}  // namespace cohort
