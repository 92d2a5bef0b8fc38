// Every method of the table through the program: it learns, its bytes depend neither on kills nor on the
// machine, and a recipe that it cannot train is refused before step 1.
#include <cmath>

#include "methods_support.h"

namespace cohort {
namespace {

using testing::lines_of;
using testing::Methods;
using testing::Options;
using testing::Process;

// Catches: a credit or coefficient that the loop hands on with the wrong sign, or not at all.
TEST_F(Methods, TheRewardRises) {
  const std::vector<std::pair<const char*, Options>> cases{
      {"online-rft", {}},
      {"grpo", {{"supervision", "\"process\""}, {"step_separator", "\"+\""}}},
      {"grpo", {{"advantage_estimator", "\"rloo\""}}},
      {"grpo", {{"advantage_estimator", "\"reinforce_plus_plus\""}}},
      {"grpo", {{"loss_type", "\"cispo\""}, {"epsilon_high", "5"}}},
      {"grpo", {{"filter_groups", "true"}, {"max_num_gen_batches", "2"}}},
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

// Catches: a critic that is not trained, or trained towards something else than the returns. Half of the
// questions have an answer that cannot be written, so that returns go on to differ, in a way that a critic
// can tell.
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

// Catches: a step that does not lead to the reward, a bound that is not kept, moments in a checkpoint that
// nothing reads.
TEST_F(Methods, TrpoLearnsWithinItsTrustRegion) {
  folder_.finish("trpo", options("trpo", {{"target_kl", "0.02"}}));
  expect_reward_rises("trpo");
  const std::vector<double> kl = metric("trpo", "kl_divergence_loss"),
                            success = metric("trpo", "is_line_search_success"),
                            gain = metric("trpo", "surrogate_improvement");
  ASSERT_EQ(kl.size(), 60u);
  for (size_t i = 0; i < kl.size(); ++i) {
    EXPECT_LE(kl[i], 0.02) << i;
    EXPECT_EQ(gain[i] > 0, success[i] == 1) << i;
  }
  EXPECT_GT(mean(success, 0, 10), 0.8);
  EXPECT_TRUE(metric("trpo", "learning_rate").empty());
  EXPECT_TRUE(std::filesystem::exists(folder_.file("trpo") / "checkpoint-60" / "model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("trpo") / "checkpoint-60" / "optimizer.safetensors"));
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

// Catches: a reference that is the policy of now (margin 0 for ever), or chosen and rejected taken for each
// other.
TEST_F(Methods, DpoPrefersTheChosen) {
  folder_.finish("dpo", options("dpo"));
  const std::vector<double> margin = metric("dpo", "rewards/margins"),
                            right = metric("dpo", "rewards/accuracies");
  ASSERT_EQ(margin.size(), 60u);
  EXPECT_EQ(margin.front(), 0.0);
  EXPECT_GT(margin.back(), 0.5);
  EXPECT_EQ(right.back(), 1.0);
}

// Catches: a held-out loss that is another than the log-probs of `score` make it, or is taken from the rows that are trained on; a best
// checkpoint of the highest loss. The held-out rows want what training makes unlikely, so the first evaluation is the best.
TEST_F(Methods, WithoutRewardsTheHeldOutLossIsMeasured) {
  const std::string held_out = folder_.file("held_out.jsonl").string();
  testing::write_text(held_out,
                      "{\"prompt\": \"2+1=\", \"completion\": \"3 3\"}\n{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n");
  folder_.finish("sft", options("sft", {{"eval_data", "\"" + held_out + "\""},
                                        {"eval_steps", "10"},
                                        {"eval_on_start", "true"},
                                        {"load_best_model_at_end", "true"},
                                        {"max_steps", "20"}}));
  const std::vector<double> loss = metric("sft", "eval_loss");
  ASSERT_EQ(loss.size(), 3u);
  const std::string scores = folder_.file("scores.jsonl").string(), with_end = folder_.file("with_end.jsonl").string();
  const Tokenizer tokenizer = testing::tiny_tokenizer();
  std::string rows;
  for (const auto& [prompt, completion] : {std::pair("2+1=", "3 3"), {"1+1=", "2"}}) {
    std::vector<int32_t> ids = tokenizer.encode(completion, false);
    ids.push_back(tokenizer.eos_token_id());
    rows += nlohmann::json{{"prompt", prompt}, {"completion_ids", ids}}.dump() + "\n";
  }
  testing::write_text(with_end, rows);
  const Process::Result scored = testing::run_program(
      {"score", "--model", folder_.file("init").string(), "--data", with_end, "--output", scores});
  ASSERT_EQ(scored.status, 0) << scored.text;
  double sum = 0, tokens = 0;
  for (const nlohmann::json& row : testing::json_lines(scores))
    for (const nlohmann::json& log_prob : row["log_probs"]) sum += log_prob.get<double>(), ++tokens;
  EXPECT_EQ(tokens, 6);
  EXPECT_NEAR(loss[0], -sum / tokens, 1e-6);
  EXPECT_GT(loss[1], loss[0]);
  EXPECT_GT(loss[2], loss[1]);
  EXPECT_EQ(metric("sft", "eval_problems"), (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(testing::lines_of(folder_.file("sft") / "best"), std::vector<std::string>{"checkpoint-10"});
  EXPECT_EQ(metric("sft", "eval_entropy").size(), 3u);
  refused(options("sft", {{"eval_data", "\"" + held_out + "\""},
                          {"eval_steps", "10"},
                          {"eval_on_start", "true"},
                          {"load_best_model_at_end", "true"},
                          {"metric_for_best_model", "\"eval_accuracy\""}}),
          {"metric_for_best_model: expected one of eval_loss, eval_entropy", "eval_accuracy"});
}

// Catches: held-out pairs without their reference, or with that of other pairs.
TEST_F(Methods, DpoMeasuresHeldOutPairs) {
  const std::string held_out = folder_.file("held_out.jsonl").string();
  testing::write_text(held_out,
                      "{\"prompt\": \"2+1=\", \"chosen\": \"1\", \"rejected\": \"2 3\"}\n"
                      "{\"prompt\": \"2+2=\", \"chosen\": \"2 3 3\", \"rejected\": \"1\"}\n");
  folder_.finish("dpo", options("dpo", {{"eval_data", "\"" + held_out + "\""}, {"eval_steps", "30"}, {"eval_on_start", "true"}}));
  const std::vector<double> loss = metric("dpo", "eval_loss"), right = metric("dpo", "eval_rewards/accuracies");
  ASSERT_EQ(loss.size(), 3u);
  EXPECT_NEAR(loss[0], std::log(2.0), 1e-12);
  EXPECT_EQ(metric("dpo", "eval_rewards/margins")[0], 0.0);
  EXPECT_EQ(right, (std::vector<double>{0, 0.5, 0.5}));  // the second pair prefers what training does not
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

// Catches: state that a checkpoint lacks (critic, its moments, a moved reference, kl_coef, kept rows), and
// bits that depend on threads or micro-batches.
TEST_F(Methods, BytesDependOnTheRecipeAlone) {
  expect_same_bytes("ppo", {{"num_iterations", "2"}, {"kl_target", "0.1"}, {"kl_horizon", "50"}});
  expect_same_bytes(
      "grpo",
      {{"beta", "0.1"}, {"sync_ref_model", "true"}, {"ref_model_sync_steps", "3"}, {"entropy_coef", "0.01"}});
  expect_same_bytes(
      "grpo", {{"supervision", "\"process\""}, {"step_separator", "\"+\""}, {"steps_per_generation", "2"}});
  expect_same_bytes("grpo", {{"filter_groups", "true"},
                             {"max_num_gen_batches", "3"},
                             {"target_entropy", "1.5"},
                             {"reward_funcs", "[\"last_number\", \"soft_overlong_punishment\"]"},
                             {"soft_punish_cache", "2"}});
  expect_same_bytes("grpo", {{"use_kl_in_reward", "true"}, {"kl_target", "0.1"}, {"kl_horizon", "50"}});
  expect_same_bytes("online-rft", {});
  expect_same_bytes("rft", {});
  expect_same_bytes("dpo", {});
  expect_same_bytes("distill", {{"num_iterations", "2"}});
  expect_same_bytes("trpo", {{"mask_truncated_completions", "true"}, {"advantage_estimator", "\"rloo\""}});
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
  refused(options("trpo", {{"learning_rate", "0.1"}}),
          {"learning_rate: method trpo does not read it", "grpo"});
  refused(options("trpo", {{"num_iterations", "2"}}), {"num_iterations: method trpo does not read it"});
  refused(options("trpo", {{"loss_type", "\"cispo\""}}), {"loss_type: cispo", "trpo's", "dapo"});
  refused(options("grpo", {{"target_kl", "0.02"}}), {"target_kl: method grpo does not read it", "trpo"});
  testing::write_text(folder_.file("bare.jsonl"), "{\"prompt\": \"0+1=\", \"answer\": \"1\"}\n");
  refused(options("grpo", {{"supervision", "\"process\""},
                           {"data", fmt::format("\"{}\"", folder_.file("bare.jsonl").string())}}),
          {"bare.jsonl:1", "steps"});
  refused(options("ppo", {{"filter_groups", "true"}}),
          {"filter_groups: method ppo does not read it", "grpo"});
  refused(options("grpo", {{"filter_groups", "true"}, {"keep_rollout_activations", "\"true\""}}),
          {"keep_rollout_activations", "filter_groups"});
  refused(options("grpo", {{"reward_funcs", "[\"last_number\", \"soft_overlong_punishment\"]"}}),
          {"soft_overlong_punishment needs soft_punish_cache of 1 to max_completion_length (4), found 0"});
  refused(options("grpo", {{"completion_only_loss", "false"}}),
          {"completion_only_loss: method grpo does not read it", "sft"});
  refused(options("grpo", {{"kl_coef", "0.1"}}), {"kl_coef", "use_kl_in_reward true"});
  refused(options("grpo", {{"use_kl_in_reward", "true"}, {"kl_coef", "0"}}), {"kl_coef", "found 0"});
  refused(options("grpo", {{"use_kl_in_reward", "true"}, {"supervision", "\"process\""}}),
          {"use_kl_in_reward", "process"});
  refused(options("grpo", {{"sync_ref_model", "true"}}), {"sync_ref_model", "beta above 0"});
  refused(options("distill", {{"eval_data", fmt::format("\"{}\"", folder_.file("rows.jsonl").string())}, {"eval_steps", "1"}}),
          {"eval_steps: held-out problems are judged by reward_funcs, found none"});
  refused(options("grpo", {{"deduplicate", "true"}, {"offline_rollouts", "true"}}), {"deduplicate: offline_rollouts"});
  refused(options("rft", {{"reward_threshold", "2"}}), {"rft: none of", "reward_threshold"});
}

}  // namespace
}  // namespace cohort
