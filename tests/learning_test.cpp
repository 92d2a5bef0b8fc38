// Learning: GRPO raises the reward of a task that can be learned within seconds, and only because of the
// reward; supervised training lowers the loss.
#include <nlohmann/json.hpp>

#include "reward/reward.h"
#include "rl/credit.h"
#include "rl/source.h"
#include "rl/trainer.h"
#include "run_support.h"

namespace cohort {
namespace {

struct Learned {
  double first = 0, last = 0;  // mean true reward of the first and the last ten steps
};

// 60 on-policy steps of GRPO of the tiny model; the right answer is always 1. With `shuffled`, the rewards
// that it trains on are the same numbers, dealt out again among all samples of the step.
Learned learn(bool shuffled, uint64_t seed) {
  const Tokenizer tokenizer = testing::tiny_tokenizer();
  const ModelConfig config = testing::tiny_config();
  Model model(config, random_weights(config, 7, 0.08));
  Optimizer optimizer(model);
  TrainerOptions options;
  options.normalize.max_completion_length = 4;
  Trainer trainer(model, &optimizer, options);
  std::vector<Problem> problems;
  for (const char* prompt : {"0+1=", "1+0=", "2+3=", "3+3="}) {
    Problem p;
    p.row.prompt = prompt;
    p.row.fields = std::make_shared<nlohmann::json>(nlohmann::json{{"prompt", prompt}, {"answer", "1"}});
    p.prompt_ids = tokenizer.encode(prompt, true);
    problems.push_back(std::move(p));
  }
  RewardSettings settings;
  settings.reward_funcs = {"last_number"};
  const std::vector<RewardFunction> rewards = make_rewards(settings);
  GenerationOptions generation;
  generation.max_completion_length = 4;
  generation.end_tokens = config.eos_token_ids;
  generation.seed = seed;
  testing::Random random(seed);
  RowOrder order(std::ssize(problems), true, seed);
  Learned learned;
  for (int step = 0; step < 60; ++step) {
    const std::vector<Drawn> drawn = draw_problems(problems, order, 4 * step, 4);
    generation.step = static_cast<uint32_t>(step);
    std::vector<Group> groups = policy_groups(model, tokenizer, drawn, 16, generation, {}, nullptr);
    EXPECT_EQ(score_groups(drawn, rewards, groups).count(), 0);
    std::vector<double*> dealt;
    double sum = 0;
    for (Group& g : groups)
      for (Sample& s : g.samples) {
        sum += s.reward;
        dealt.push_back(&s.reward);
      }
    if (step < 10) learned.first += sum / static_cast<double>(dealt.size()) / 10;
    if (step >= 50) learned.last += sum / static_cast<double>(dealt.size()) / 10;
    if (shuffled)
      for (size_t i = dealt.size() - 1; i > 0; --i)
        std::swap(*dealt[i], *dealt[random.below(static_cast<int64_t>(i) + 1)]);
    group_advantages(groups, {});
    trainer.update(groups, SeedTime::before, true, 3e-3, nullptr);
  }
  return learned;
}

// Catches: a gradient of the wrong sign, advantages given to other samples, an update that does nothing.
TEST(Learning, RewardRises) {
  for (uint64_t seed : {1, 2, 3}) {
    const Learned l = learn(false, seed);
    EXPECT_LT(l.first, 0.5) << "seed " << seed;  // else there is nothing to learn
    EXPECT_GT(l.last, l.first + 0.4) << "seed " << seed;
  }
}

// Catches: a reward that rises for another reason than the reward (length, format, a leak of the answer).
TEST(Learning, ShuffledRewardsTeachNothing) {
  double rise = 0;
  for (uint64_t seed : {1, 2, 3}) {
    const Learned l = learn(true, seed);
    rise += (l.last - l.first) / 3;
    EXPECT_LT(l.last, 0.5) << "seed " << seed;
  }
  EXPECT_LT(rise, 0.12);
}

// Means of a metric over the first and the last `n` rows that have it.
std::pair<double, double> ends(const std::filesystem::path& metrics, const char* name, size_t n) {
  std::vector<double> values;
  for (const std::string& line : testing::lines_of(metrics)) {
    const auto row = nlohmann::json::parse(line);
    if (row.contains(name)) values.push_back(row[name].get<double>());
  }
  std::pair<double, double> means{0, 0};
  for (size_t i = 0; i < n && i < values.size(); ++i) {
    means.first += values[i] / static_cast<double>(n);
    means.second += values[values.size() - 1 - i] / static_cast<double>(n);
  }
  return means;
}

// Catches: supervised training that does not reach the weights, or that climbs the loss.
TEST(Learning, SupervisedLossFalls) {
  const testing::RunFolder folder;
  auto o =
      folder.options({{"method", "\"sft\""}, {"max_steps", "40"}, {"eval_steps", "0"}, {"save_steps", "0"}});
  o.erase("num_generations");
  folder.finish("sft", o);
  const auto [first, last] = ends(folder.file("sft") / "metrics.jsonl", "loss", 3);
  EXPECT_GT(first, 1.2);
  EXPECT_LT(last, first / 2);
}

// Catches: a run loop that hands the trainer other credit, seeds or rates than the library test above.
TEST(Learning, TheProgramLearnsToo) {
  const testing::RunFolder folder;
  std::string rows;
  for (const char* prompt : {"0+1=", "1+0=", "2+3=", "3+3="})
    rows += fmt::format("{{\"prompt\": \"{}\", \"answer\": \"1\"}}\n", prompt);
  testing::write_text(folder.file("rows.jsonl"), rows);
  folder.finish("grpo", folder.options({{"max_steps", "60"},
                                        {"eval_steps", "0"},
                                        {"save_steps", "0"},
                                        {"holdout_fraction", "0"},
                                        {"num_generations", "16"},
                                        {"train_batch_size", "64"},
                                        {"max_completion_length", "4"},
                                        {"lr_scheduler_type", "\"constant\""}}));
  const auto [first, last] = ends(folder.file("grpo") / "metrics.jsonl", "reward", 10);
  EXPECT_GT(last, first + 0.4);
}

}  // namespace
}  // namespace cohort
