// Options of methods through the program, each by what it does to a run.
#include <set>

#include "methods_support.h"

namespace cohort {
namespace {

using testing::Methods;
using testing::Options;

// Catches: groups without a gradient that are trained on, draws beyond the cap, prompts that are drawn twice,
// and metrics of the kept groups only.
TEST_F(Methods, DynamicSamplingFillsTheBatchWithGroupsThatDiffer) {
  folder_.finish("filtered", options("grpo", {{"filter_groups", "true"},
                                              {"num_generations", "4"},
                                              {"train_batch_size", "32"},
                                              {"max_num_gen_batches", "40"},
                                              {"max_steps", "4"}}));
  std::map<std::pair<int, int>, std::set<double>> rewards;  // by step and prompt
  for (const auto& row : testing::json_lines(folder_.file("filtered") / "samples.jsonl"))
    rewards[{row["step"], row["prompt_index"]}].insert(row["reward"].get<double>());
  EXPECT_EQ(rewards.size(), 4u * 8u);
  for (const auto& [prompt, values] : rewards)
    EXPECT_EQ(values.size(), 2u) << "step " << prompt.first << " prompt " << prompt.second;
  const std::vector<double> draws = metric("filtered", "num_gen_batches"),
                            all = metric("filtered", "filter_groups/reward");
  EXPECT_GT(*std::max_element(draws.begin(), draws.end()), 1);
  EXPECT_LT(all.at(0), metric("filtered", "reward").at(0));

  // A question that nobody can answer never differs: the cap ends the drawing, and the run goes on.
  testing::write_text(folder_.file("rows.jsonl"), "{\"prompt\": \"0+1=\", \"answer\": \"7\"}\n");
  folder_.finish(
      "capped",
      options("grpo", {{"filter_groups", "true"}, {"max_num_gen_batches", "3"}, {"max_steps", "2"}}));
  EXPECT_EQ(metric("capped", "num_gen_batches"), (std::vector<double>{3, 3}));
  EXPECT_EQ(metric("capped", "epoch"), (std::vector<double>{12, 24}));
  EXPECT_EQ(metric("capped", "grad_norm"), (std::vector<double>{0, 0}));
}

// Catches: a weight that is not steered, that works while the entropy is above the target, or that is steered
// the wrong way.
TEST_F(Methods, TheEntropyBonusFollowsItsTarget) {
  const Options steered{{"entropy_coef", "0.01"}, {"entropy_coef_delta", "0.005"}, {"max_steps", "3"}};
  Options low = steered, high = steered;
  low["target_entropy"] = "0";
  high["target_entropy"] = "1000";
  folder_.finish("low", options("grpo", low));
  EXPECT_EQ(metric("low", "entropy_coef"), (std::vector<double>{0, 0, 0}));
  folder_.finish("high", options("grpo", high));
  const std::vector<double> coef = metric("high", "entropy_coef");
  ASSERT_EQ(coef.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(coef[i], 0.01 + 0.005 * static_cast<double>(i), 1e-12);
}

// Catches: rows judged by another kind's rewards, a resumed run that mixes the journal's rewards otherwise, a reward
// that stops the run unasked or does not stop it.
TEST_F(Methods, RewardsAreRoutedByTheRowsKind) {
  std::string rows;
  for (int i = 0; i < 4; ++i)
    rows += fmt::format("{{\"prompt\": \"{}+1=\", \"answer\": \"1\", \"data_source\": \"{}\"}}\n", i,
                        i % 2 ? "sum" : "chat");
  testing::write_text(folder_.file("kinds.jsonl"), rows);
  const Options routed{{"data", fmt::format("\"{}\"", folder_.file("kinds.jsonl").string())},
                       {"reward_funcs", "[\"last_number\", \"repetition_penalty\", \"reasoning_steps\"]"},
                       {"reward_weights", "[1.0, 0.5, 0.25]"},
                       {"repetition_n_grams", "1"},
                       {"reward_routes", "[\"sum=last_number\", \"*=repetition_penalty\"]"}};
  expect_same_bytes("grpo", routed);
  Options two = routed;
  two["max_steps"] = "2";
  folder_.finish("routed", options("grpo", two));
  std::set<std::string> kinds;
  for (const auto& row : testing::json_lines(folder_.file("routed") / "samples.jsonl")) {
    const bool sum = (row["prompt"].get<std::string>()[0] - '0') % 2;
    const char* own = sum ? "last_number" : "repetition_penalty";
    ASSERT_EQ(row["rewards"].size(), 2u) << row;
    EXPECT_DOUBLE_EQ(row["reward"].get<double>(), (sum ? 1 : 0.5) * row["rewards"][own].get<double>() +
                                                      0.25 * row["rewards"]["reasoning_steps"].get<double>());
    kinds.insert(own);
  }
  EXPECT_EQ(kinds.size(), 2u);
  Options unjudged = routed;
  unjudged["reward_funcs"] = "[\"last_number\"]";
  unjudged.erase("reward_weights");
  unjudged["reward_routes"] = "[\"sum=last_number\"]";
  refused(options("grpo", unjudged), {"reward_routes", "data_source", "chat"});

  // A command that cannot judge.
  Options command{{"reward_funcs", "[\"command:exit 3\"]"}, {"max_steps", "2"}};
  folder_.finish("missing", options("grpo", command));
  EXPECT_EQ(metric("missing", "rewards/command:exit 3/uncomputed"), (std::vector<double>{64, 64}));
  EXPECT_EQ(metric("missing", "grad_norm"), (std::vector<double>{0, 0}));
  command["reward_errors"] = "\"stop\"";
  refused(options("grpo", command), {"step 1", "the command ended with status 3", "reward_errors is stop"});
}

// Catches: a penalty that never reaches the advantages, is that of another step's coefficient, or is taken from
// the reward that is reported; token by token for REINFORCE++, and for all tokens at once elsewhere.
TEST_F(Methods, TheRewardPaysForKl) {
  const Options penalised{
      {"use_kl_in_reward", "true"}, {"kl_coef", "0.5"},        {"kl_target", "0.01"}, {"kl_horizon", "500"},
      {"num_generations", "4"},     {"train_batch_size", "8"}, {"max_steps", "3"}};
  for (const char* estimator : {"rloo", "reinforce_plus_plus"}) {
    Options o = penalised;
    o["advantage_estimator"] = fmt::format("\"{}\"", estimator);
    folder_.finish(estimator, options("grpo", o));
    const std::vector<double> coef = metric(estimator, "objective/kl_coef"),
                              kl = metric(estimator, "objective/kl");
    ASSERT_EQ(coef.size(), 3u);
    EXPECT_EQ(kl[0], 0);
    EXPECT_GT(std::abs(kl[2]), 1e-4);
    EXPECT_NE(coef[2], coef[0]);
    std::vector<std::vector<double>>
        to_go;  // of step 3: at each token, the reward less what is still to be paid
    std::vector<std::vector<double>> advantages;
    for (const auto& row : testing::json_lines(folder_.file(estimator) / "samples.jsonl")) {
      EXPECT_TRUE(row["reward"] == 0 || row["reward"] == 1) << row;
      if (row["step"] != 3) continue;
      const auto policy = row["log_probs"].get<std::vector<double>>(),
                 reference = row["ref_log_probs"].get<std::vector<double>>();
      std::vector<double> rest(policy.size());
      double sum = row["reward"];
      for (size_t t = rest.size(); t-- > 0;) rest[t] = sum -= coef[2] * (policy[t] - reference[t]);
      to_go.push_back(rest);
      advantages.push_back(row["advantages"].get<std::vector<double>>());
    }
    ASSERT_EQ(to_go.size(), 8u);
    double tokens = 0, mean = 0, variance = 0;
    for (const auto& rest : to_go)
      for (double x : rest) mean += x, ++tokens;
    mean /= tokens;
    for (const auto& rest : to_go)
      for (double x : rest) variance += (x - mean) * (x - mean) / (tokens - 1);
    for (size_t i = 0; i < to_go.size(); ++i)
      if (estimator == std::string("rloo")) {
        double others = 0;
        for (size_t j = i / 4 * 4; j < i / 4 * 4 + 4; ++j) others += j == i ? 0 : to_go[j][0] / 3;
        ASSERT_EQ(advantages[i].size(), 1u);
        EXPECT_NEAR(advantages[i][0], to_go[i][0] - others, 1e-5);
      } else {
        ASSERT_EQ(advantages[i].size(), to_go[i].size());
        for (size_t t = 0; t < to_go[i].size(); ++t)
          EXPECT_NEAR(advantages[i][t], (to_go[i][t] - mean) / std::sqrt(variance + 1e-8), 1e-4);
      }
  }
}

// Catches: a length that is not the sampled tokens', and a line that begins or ends at another place.
TEST_F(Methods, OverlongCompletionsArePunished) {
  folder_.finish("long", options("grpo", {{"reward_funcs", "[\"last_number\", \"soft_overlong_punishment\"]"},
                                          {"soft_punish_cache", "2"},
                                          {"max_steps", "1"}}));
  std::set<size_t> lengths;
  for (const auto& row : testing::json_lines(folder_.file("long") / "samples.jsonl")) {
    const size_t n = row["completion_ids"].size();
    lengths.insert(n);
    EXPECT_EQ(row["rewards"]["soft_overlong_punishment"], n <= 2 ? 0.0 : n == 3 ? -0.5 : -1.0) << row;
  }
  EXPECT_EQ(lengths.size(), 4u);
}

// Catches: user turns that are trained on, assistant's turns or end tokens that are not, and prompts that are
// left out of the loss where they belong to it.
TEST_F(Methods, SftTrainsOnTheAssistantsTurns) {
  const auto first_loss = [&](const std::string& run, const std::string& rows, const Options& changes) {
    testing::write_text(folder_.file("rows.jsonl"), rows);
    Options o = options("sft", {{"max_steps", "1"}, {"train_batch_size", "1"}});
    for (const auto& [name, value] : changes) o[name] = value;
    folder_.finish(run, o);
    return metric(run, "loss").at(0);
  };
  // Log-probs of given tokens, from the program's own score.
  const auto log_probs = [&](const std::vector<int32_t>& prompt, const std::vector<int32_t>& completion) {
    testing::write_text(folder_.file("score.jsonl"),
                        nlohmann::json{{"prompt_ids", prompt}, {"completion_ids", completion}}.dump() + "\n");
    const auto r = testing::run_program({"score", "--model", folder_.file("init").string(), "--data",
                                         folder_.file("score.jsonl").string(), "--output",
                                         folder_.file("scored.jsonl").string()});
    EXPECT_EQ(r.status, 0) << r.text;
    return testing::json_lines(folder_.file("scored.jsonl")).at(0)["log_probs"].get<std::vector<double>>();
  };
  const Tokenizer tokenizer = testing::tiny_tokenizer();
  const std::vector<int32_t> question = tokenizer.encode("0+1=", true);
  std::vector<int32_t> rest = tokenizer.encode("1", false);
  rest.push_back(tokenizer.eos_token_id());
  const size_t user = rest.size();
  for (int32_t id : tokenizer.encode("+2=", false)) rest.push_back(id);
  const size_t assistant = rest.size();
  for (int32_t id : tokenizer.encode("3", false)) rest.push_back(id);
  rest.push_back(tokenizer.eos_token_id());
  const std::vector<double> scored = log_probs(question, rest);
  double sum = 0, count = 0;
  for (size_t t = 0; t < scored.size(); ++t)
    if (t < user || t >= assistant) sum += scored[t], ++count;
  const char* chat =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"0+1\"}, {\"role\": \"assistant\", \"content\": "
      "\"1\"}, "
      "{\"role\": \"user\", \"content\": \"+2\"}, {\"role\": \"assistant\", \"content\": \"3\"}]}\n";
  EXPECT_NEAR(first_loss("turns", chat, {{"prompt_suffix", "\"=\""}}), -sum / count, 1e-6);

  std::vector<int32_t> all(question.begin() + 1, question.end());
  all.insert(all.end(), rest.begin(), rest.end());
  const std::vector<double> whole = log_probs({question[0]}, all);
  sum = 0;
  for (double p : whole) sum += p;
  EXPECT_NEAR(first_loss("prompts", chat, {{"prompt_suffix", "\"=\""}, {"completion_only_loss", "false"}}),
              -sum / static_cast<double>(whole.size()), 1e-6);
}

}  // namespace
}  // namespace cohort
