// Reward models through the program: they learn what can be learned, their bytes depend on the recipe alone,
// and they judge completions inside a run.
#include "run/reward_model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rl/steps.h"
#include "run_support.h"

namespace cohort {
namespace {

using testing::Environment;
using testing::lines_of;
using testing::Options;
using testing::Process;
using testing::Random;
using testing::RunFolder;

// What is preferred: a completion that begins with 1.
class RewardModelRun : public ::testing::Test {
 protected:
  static constexpr const char* kDigits = "0123";

  static void SetUpTestSuite() {
    folder_ = new RunFolder;
    write_pairs("pairs.jsonl", false);
    write_pairs("shuffled.jsonl", true);
    write_steps("steps.jsonl");
    train("outcome", {});
    train("steps", {"--loss", "stepwise", "--step_separator", "+", "--data", path("steps.jsonl")});
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static std::string path(const std::string& name) { return folder_->file(name).string(); }

  static std::string digits(Random& random, int64_t n) {
    std::string text;
    for (int64_t i = 0; i < n; ++i) text += kDigits[random.below(4)];
    return text;
  }
  static void write_pairs(const std::string& name, bool shuffled) {
    Random random(5);
    std::string rows;
    for (int i = 0; i < 240; ++i) {
      const std::string good = "1" + digits(random, 2), bad = "023"[random.below(3)] + digits(random, 2);
      const bool swap = shuffled && random.chance(0.5);
      rows += fmt::format("{{\"prompt\": \"{}+{}=\", \"chosen\": \"{}\", \"rejected\": \"{}\"}}\n",
                          digits(random, 3), digits(random, 3), swap ? bad : good, swap ? good : bad);
    }
    testing::write_text(folder_->file(name), rows);
  }
  // A step is good where it begins with 1.
  static void write_steps(const std::string& name) {
    Random random(6);
    std::string rows;
    for (int i = 0; i < 240; ++i) {
      std::string steps, labels;
      for (int64_t j = random.between(1, 3); j > 0; --j) {
        const std::string step = digits(random, 2);
        steps += fmt::format("{}\"{}\"", steps.empty() ? "" : ", ", step);
        labels += fmt::format("{}{}", labels.empty() ? "" : ", ", step[0] == '1');
      }
      rows += fmt::format("{{\"prompt\": \"{}=\", \"completions\": [{}], \"labels\": [{}]}}\n",
                          digits(random, 4), steps, labels);
    }
    testing::write_text(folder_->file(name), rows);
  }

  static std::vector<std::string> command(const std::string& run, const std::vector<std::string>& changes) {
    std::vector<std::string> words{"reward",
                                   "train",
                                   "--model",
                                   path("init"),
                                   "--data",
                                   path("pairs.jsonl"),
                                   "--output_dir",
                                   path(run),
                                   "--max_steps",
                                   "120",
                                   "--learning_rate",
                                   "0.003",
                                   "--train_batch_size",
                                   "16",
                                   "--holdout_fraction",
                                   "0.3",
                                   "--save_steps",
                                   "40",
                                   "--num_threads",
                                   "1"};
    words.insert(words.end(), changes.begin(), changes.end());
    return words;
  }
  static void train(const std::string& run, const std::vector<std::string>& changes) {
    const Process::Result r =
        testing::run_program(command(run, changes), testing::fault(path(run), 0, "EIO"));  // without syncing
    ASSERT_EQ(r.status, 0) << r.text;
  }
  static nlohmann::json evaluation(const std::string& run) {
    return nlohmann::json::parse(read_file(folder_->file(run) / "reward_evaluation.json"));
  }
  static std::string model(const std::string& run) { return path(run) + "/checkpoint-120"; }

  // Groups of two prompts with four completions each, like those that the models learned from.
  static std::vector<Group> groups(const Tokenizer& tokenizer, bool steps) {
    const char* prompts[2][2] = {{"120+310=", "003+222="}, {"1203=", "3210="}};
    const char* completions[2][4] = {{"120", "213", "102", "331"}, {"13+20+11", "21", "10", "32+13"}};
    std::vector<Group> all;
    for (const char* prompt : prompts[steps]) {
      Group& group = all.emplace_back();
      for (const char* completion : completions[steps]) {
        Sample s;
        s.prompt = prompt;
        s.completion = completion;
        s.prompt_ids = tokenizer.encode(prompt, true);
        s.completion_ids = tokenizer.encode(completion, false);
        s.completion_ids.push_back(tokenizer.eos_token_id());
        group.samples.push_back(std::move(s));
      }
    }
    return all;
  }
  static std::vector<double> scores(RewardModel& model, const std::vector<Group>& groups) {
    const nlohmann::json row = nlohmann::json::object();
    std::vector<RewardInput> inputs;
    for (const Group& g : groups)
      for (const Sample& s : g.samples)
        inputs.push_back({row, s.prompt, s.completion, 0, s.prompt_ids, s.completion_ids});
    std::vector<double> values;
    for (const RewardResult& r : model.score(inputs)) {
      EXPECT_TRUE(r.computed) << r.reason;
      values.push_back(r.value);
    }
    return values;
  }
  static JudgedPolicy policy(const Tokenizer& tokenizer) { return {tokenizer, tokenizer.size()}; }

  static void same_run(const std::string& a, const std::string& b) {
    EXPECT_TRUE(testing::same_run(folder_->file(a), folder_->file(b), 120)) << b;
    EXPECT_EQ(read_file(folder_->file(a) / "reward_evaluation.json"),
              read_file(folder_->file(b) / "reward_evaluation.json"));
  }
  static void refused(const std::vector<std::string>& words, const std::vector<std::string>& expected) {
    const Process::Result r = testing::run_program(words);
    EXPECT_NE(r.status, 0);
    for (const std::string& word : expected)
      EXPECT_NE(r.text.find(word), std::string::npos) << word << " in:\n" << r.text;
  }
  static RunFolder* folder_;
};
RunFolder* RewardModelRun::folder_ = nullptr;

// Catches: seeds with the wrong sign, values read at another token, held-out rows that were trained on
// (labels by chance would then be learned), and a table that is not of these rows.
TEST_F(RewardModelRun, LearnsWhatCanBeLearned) {
  train("shuffled", {"--data", path("shuffled.jsonl")});
  const nlohmann::json good = evaluation("outcome"), chance = evaluation("shuffled"),
                       steps = evaluation("steps");
  EXPECT_GT(good["eval_accuracy"].get<double>(), 0.9);
  EXPECT_GT(good["eval_accuracy_low"].get<double>(), 0.8);
  EXPECT_LE(good["eval_accuracy"].get<double>(), good["eval_accuracy_high"].get<double>());
  EXPECT_GT(good["eval_margin"].get<double>(), 1);
  EXPECT_LT(chance["eval_accuracy"].get<double>(), 0.7);
  EXPECT_GT(chance["eval_accuracy"].get<double>(), 0.3);
  EXPECT_GT(chance["eval_expected_calibration_error"].get<double>(),
            good["eval_expected_calibration_error"].get<double>());
  EXPECT_GT(steps["eval_accuracy"].get<double>(), 0.9);
  double counted = 0;
  for (const auto& bin : good["calibration"]) counted += bin["count"].get<double>();
  EXPECT_EQ(counted, good["eval_judged"].get<double>());
  EXPECT_EQ(lines_of(folder_->file("outcome") / "eval_samples.jsonl").size(),
            good["eval_judged"].get<size_t>());
  // `reward eval` finds the same on the same rows.
  std::string held_out;
  const auto rows = lines_of(folder_->file("pairs.jsonl"));
  for (const std::string& line : lines_of(folder_->file("outcome") / "eval_samples.jsonl"))
    held_out += rows.at(nlohmann::json::parse(line)["line"].get<size_t>() - 1) + "\n";
  testing::write_text(folder_->file("held_out.jsonl"), held_out);
  const Process::Result r =
      testing::run_program({"reward", "eval", "--model", model("outcome"), "--data", path("held_out.jsonl")});
  EXPECT_EQ(r.status, 0) << r.text;
  EXPECT_NE(r.text.find(fmt::format(
                "accuracy {:.1f} % [{:.1f}, {:.1f}] of {} pairs", 100 * good["eval_accuracy"].get<double>(),
                100 * good["eval_accuracy_low"].get<double>(), 100 * good["eval_accuracy_high"].get<double>(),
                good["eval_judged"].get<int>())),
            std::string::npos)
      << r.text;
}

// Catches: a run that starts although it cannot fit, a plan that is not shown, and a report that is not made, takes
// verdicts for completions, or says how to train a policy.
TEST_F(RewardModelRun, HasAPlanAndAReport) {
  refused(command("large", {"--memory_limit_gb", "0.0001"}),
          {"this run needs up to", "0.00 GB are available", "micro_batch_tokens", "gradients"});
  EXPECT_FALSE(std::filesystem::exists(folder_->file("large")));
  const Process::Result r = testing::run_program(command("planned", {"--max_steps", "2"}));
  EXPECT_EQ(r.status, 0) << r.text;
  EXPECT_NE(r.text.find("in the worst case"), std::string::npos) << r.text;
  const std::string report = read_file(folder_->file("planned") / "report.html");
  for (const char* text : {"Held-out accuracy", "Right verdicts", "Margin", "cohort reward train"})
    EXPECT_NE(report.find(text), std::string::npos) << text;
  for (const char* text : {"(nothing)", "cohort train "})
    EXPECT_EQ(report.find(text), std::string::npos) << text;
}

// Catches: a label taken for its opposite in point-wise rows.
TEST_F(RewardModelRun, LearnsJudgedCompletions) {
  std::string rows;
  for (const std::string& line : lines_of(folder_->file("pairs.jsonl"))) {
    const auto row = nlohmann::json::parse(line);
    for (const char* side : {"chosen", "rejected"})
      rows += nlohmann::json{{"prompt", row["prompt"]}, {"completion", row[side]}, {"label", side[0] == 'c'}}
                  .dump() +
              "\n";
  }
  testing::write_text(folder_->file("labels.jsonl"), rows);
  train("pointwise", {"--loss", "pointwise", "--data", path("labels.jsonl")});
  EXPECT_GT(evaluation("pointwise")["eval_accuracy"].get<double>(), 0.9);
}

// Catches: state that a checkpoint lacks, and bits that depend on threads, micro-batches, recomputation or
// kills.
TEST_F(RewardModelRun, BytesDependOnTheRecipeAlone) {
  train("machine", {"--num_threads", "2", "--micro_batch_tokens", "30", "--gradient_checkpointing"});
  same_run("outcome", "machine");
  std::filesystem::remove_all(folder_->file("machine") / "checkpoint-120");
  std::filesystem::remove_all(folder_->file("machine") / "checkpoint-80");
  train("machine", {"--resume"});
  same_run("outcome", "machine");
  // Killed for real, at some file calls of the run.
  for (const int64_t call : {100, 300}) {
    const Process::Result r =
        testing::run_program(command("killed", {}), testing::fault(path("killed"), call, "KILL"));
    EXPECT_EQ(r.status, -SIGKILL) << r.text;
    train("killed", {"--resume"});
    same_run("outcome", "killed");
    std::filesystem::remove_all(folder_->file("killed"));
  }
}

// Catches: a value that is not the one at the last token, neighbours of a group that see each other, and
// scores that depend on micro-batches or on having been off-loaded.
TEST_F(RewardModelRun, ScoresAreExact) {
  const Tokenizer tokenizer = testing::tiny_tokenizer();
  const std::vector<Group> all = groups(tokenizer, false);
  RewardModel judge(model("outcome"), policy(tokenizer), 8192), small(model("outcome"), policy(tokenizer), 1);
  EXPECT_FALSE(judge.reads_text());
  const std::vector<double> found = scores(judge, all);
  EXPECT_EQ(scores(small, all), found);
  judge.offload();
  EXPECT_EQ(scores(judge, all), found);
  Critic critic = Critic::load(model("outcome"), false, 0);
  size_t i = 0;
  for (const Group& g : all)
    for (const Sample& s : g.samples) {
      TokenTree alone;
      std::vector<int32_t> path = s.prompt_ids;
      path.insert(path.end(), s.completion_ids.begin(), s.completion_ids.end());
      alone.add(-1, path);
      alone.rows.push_back({static_cast<int32_t>(path.size()) - 1, 0});
      EXPECT_EQ(double{critic.values(alone)[0]}, found[i++]);
    }
  // One trained on steps has no verdict on the whole.
  std::vector<RewardFunction> rewards(1);
  rewards[0].name = "model:" + model("steps");
  EXPECT_THROW(RewardModels(rewards, policy(tokenizer), 8192), Error);
  for (size_t g = 0; g < 2; ++g) {  // the first and the third begin with 1
    EXPECT_GT(found[4 * g], found[4 * g + 1]);
    EXPECT_GT(found[4 * g + 2], found[4 * g + 3]);
  }
}

// Catches: steps judged at other ends than the policy's, or by something else than the probability that they
// are good.
TEST_F(RewardModelRun, StepsAreJudgedAtTheirEnds) {
  const Tokenizer tokenizer = testing::tiny_tokenizer();
  std::vector<Group> all = groups(tokenizer, true);
  RewardModel judge(model("steps"), policy(tokenizer), 8192);
  judge.score_steps(all, "+");
  for (const Group& g : all)
    for (const Sample& s : g.samples) {
      ASSERT_EQ(s.steps.size(), 1u + std::count(s.completion.begin(), s.completion.end(), '+'));
      const std::vector<int32_t> ends = step_ends(tokenizer, s, "+");
      size_t begin = 0;
      for (size_t i = 0; i < s.steps.size(); ++i) {
        EXPECT_EQ(s.steps[i].end, ends[i]);
        EXPECT_EQ(s.steps[i].reward > 0.5, s.completion[begin] == '1') << s.completion << " step " << i;
        begin = s.completion.find('+', begin) + 1;
      }
    }
  EXPECT_THROW(judge.score_steps(all, "="), Error);
  RewardModel outcome(model("outcome"), policy(tokenizer), 8192);
  EXPECT_THROW(outcome.score_steps(all, "+"), Error);
}

// Catches: ids read in another vocabulary, an end token that is missing where text is read, and a character
// that the model does not know taken for a score.
TEST_F(RewardModelRun, AnotherTokenizerReadsText) {
  const Tokenizer own = testing::tiny_tokenizer(),
                  other = Tokenizer::characters("= +3210x", {"<|end|>"}, "<|end|>");
  RewardModel by_id(model("outcome"), policy(own), 8192), by_text(model("outcome"), policy(other), 8192);
  EXPECT_TRUE(by_text.reads_text());
  EXPECT_EQ(scores(by_text, groups(other, false)), scores(by_id, groups(own, false)));
  RewardModel steps_by_id(model("steps"), policy(own), 8192),
      steps_by_text(model("steps"), policy(other), 8192);
  std::vector<Group> a = groups(own, true), b = groups(other, true);
  steps_by_id.score_steps(a, "+");
  steps_by_text.score_steps(b, "+");
  for (size_t g = 0; g < a.size(); ++g)
    for (size_t s = 0; s < a[g].samples.size(); ++s)
      for (size_t i = 0; i < a[g].samples[s].steps.size(); ++i)
        EXPECT_EQ(a[g].samples[s].steps[i].reward, b[g].samples[s].steps.at(i).reward);
  const nlohmann::json row = nlohmann::json::object();
  const std::vector<int32_t> ids = other.encode("1x", false);
  const RewardInput unknown[] = {{row, "1=", "1x", 0, ids, ids}};
  EXPECT_FALSE(by_text.score(unknown)[0].computed);
  // Ids beyond the model's embedding.
  EXPECT_THROW(RewardModel(model("outcome"), JudgedPolicy{own, own.size() + 8}, 8192), Error);
}

// Catches: a reward that does not reach the credit, is not journaled, or whose off-loading changes a byte.
TEST_F(RewardModelRun, GrpoRaisesTheLearnedReward) {
  const std::string name = "model:" + model("outcome");
  const auto run = [&](const std::string& output, const Options& changes) {
    Options o = folder_->options({{"reward_funcs", fmt::format("[\"{}\", \"last_number\"]", name)},
                                  {"reward_weights", "[1.0, 0.0]"},
                                  {"max_steps", "40"},
                                  {"save_steps", "40"},
                                  {"eval_steps", "0"},
                                  {"train_batch_size", "32"},
                                  {"num_generations", "8"}});
    for (const auto& [key, value] : changes) o[key] = value;
    folder_->finish(output, o);
  };
  run("grpo", {});
  std::vector<double> reward;
  for (const std::string& line : lines_of(folder_->file("grpo") / "metrics.jsonl"))
    reward.push_back(nlohmann::json::parse(line)["rewards/" + name + "/mean"].get<double>());
  ASSERT_EQ(reward.size(), 40u);
  EXPECT_GT(reward.back(), reward.front() + 1);
  EXPECT_NE(read_file(folder_->file("grpo") / "rewards.jsonl").find("model:"), std::string::npos);
  run("offloaded", {{"offload_reward_models", "true"}, {"micro_batch_tokens", "20"}, {"num_threads", "2"}});
  EXPECT_TRUE(testing::same_run(folder_->file("grpo"), folder_->file("offloaded"), 40));
}

// Catches: step rewards that do not come from the model (the rows have no steps of their own).
TEST_F(RewardModelRun, ProcessSupervisionByAModel) {
  folder_->finish("process", folder_->options({{"supervision", "\"process\""},
                                               {"step_separator", "\"+\""},
                                               {"process_reward_model", "\"" + model("steps") + "\""},
                                               {"max_steps", "40"},
                                               {"save_steps", "0"},
                                               {"eval_steps", "0"},
                                               {"train_batch_size", "32"},
                                               {"num_generations", "8"}}));
  // Its steps begin with 1 more often than before.
  double before = 0, after = 0;
  for (const std::string& line : lines_of(folder_->file("process") / "samples.jsonl")) {
    const auto row = nlohmann::json::parse(line);
    const bool good = row["completion"].get<std::string>().starts_with("1");
    if (row["step"].get<int>() <= 10) before += good;
    if (row["step"].get<int>() > 30) after += good;
  }
  EXPECT_GT(after, 1.5 * before);
}

// Catches: training that goes wrong late or silently instead of being refused.
TEST_F(RewardModelRun, BadInput) {
  testing::write_text(folder_->file("bad.jsonl"),
                      "{\"prompt\": \"1=\", \"chosen\": \"1\", \"rejected\": \"1\"}\n");
  refused(command("x", {"--data", path("bad.jsonl")}), {"bad.jsonl:1", "the same tokens"});
  refused(command("x", {"--loss", "pointwise"}), {"pairs.jsonl:1", "completion"});
  refused(command("x", {"--loss", "stepwise"}), {"pairs.jsonl:1", "completions"});
  refused(command("x", {"--max_length", "2"}), {"pairs.jsonl", "no row is left"});
  refused(command("x", {"--loss", "pointwise", "--center_rewards_coefficient", "0.1"}),
          {"center_rewards_coefficient"});
  refused(command("outcome", {}), {"outcome", "--resume"});
  refused({"reward", "trian"}, {"unknown command trian", "train"});
  refused({"reward", "eval", "--model", path("init"), "--data", path("pairs.jsonl")}, {"reward model"});
  EXPECT_FALSE(std::filesystem::exists(folder_->file("x") / "metrics.jsonl"));

  const auto train = [&](const Options& changes) { return folder_->train("y", folder_->options(changes)); };
  refused(train({{"reward_funcs", "[\"model:" + path("init") + "\"]"}}), {"expected a reward model"});
  refused(train({{"reward_funcs", "[\"model:/nowhere\"]"}}), {"/nowhere", "config.json is missing"});
  refused(train({{"process_reward_model", "\"" + model("steps") + "\""}}),
          {"process_reward_model", "supervision"});
  refused(train({{"supervision", "\"process\""},
                 {"step_separator", "\"=\""},
                 {"process_reward_model", "\"" + model("steps") + "\""}}),
          {"step_separator"});
  Options sft = folder_->options({{"method", "\"sft\""}, {"offload_reward_models", "true"}});
  sft.erase("num_generations");
  refused(folder_->train("y", sft), {"offload_reward_models: method sft does not read it"});
}

// Catches: a reward model that PPO's critic cannot start from.
TEST_F(RewardModelRun, ACriticMayStartAsARewardModel) {
  folder_->finish("ppo", folder_->options({{"method", "\"ppo\""},
                                           {"num_generations", "1"},
                                           {"critic_model", "\"" + model("outcome") + "\""},
                                           {"max_steps", "1"},
                                           {"save_steps", "0"},
                                           {"eval_steps", "0"}}));
  EXPECT_EQ(lines_of(folder_->file("ppo") / "metrics.jsonl").size(), 1u);
}

}  // namespace
}  // namespace cohort
