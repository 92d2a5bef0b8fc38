// Rewards judged by worker processes: the same verdicts, and a worker's death, silence or slowness is nobody else's.
#include "reward/workers.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "reward/reward.h"
#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class RewardWorkers : public ::testing::Test {
 protected:
  ~RewardWorkers() override { reward_worker_program().clear(); }

  // A worker that runs `script` for each line, with the line in $line, instead of the program itself.
  void worker_script(const std::string& script) const {
    const fs::path path = folder_.path() / "worker";
    testing::write_text(path, fmt::format("#!/bin/sh\ncd '{}'\nread -r greeting\nwhile read -r line; do\n{}\ndone\n",
                                          folder_.path().string(), script));
    fs::permissions(path, fs::perms::owner_all);
    reward_worker_program() = path.string();
  }

  static std::vector<RewardFunction> rewards(std::vector<std::string> names, int64_t workers) {
    RewardSettings settings;
    settings.reward_funcs = std::move(names);
    settings.reward_workers = workers;
    return make_rewards(settings);
  }

  std::vector<RewardInput> inputs() const {
    std::vector<RewardInput> out;
    for (const std::string& completion : completions_) out.push_back({row_, "1/2?", completion});
    return out;
  }

  // An answer of a script to the question in $line, whose id it finds by itself.
  static std::string answer(const std::string& value) {
    return "id=${line#*\\\"id\\\":}; id=${id%%[,\\}]*}\n"
           "echo \"{\\\"id\\\":$id,\\\"results\\\":[{\\\"value\\\":" + value + ",\\\"reason\\\":\\\"\\\"}]}\"";
  }

  testing::TempFolder folder_;
  const json row_{{"answer", "1/2"}, {"tests", json::array({json{{"input", "3\n"}, {"output", "6\n"}}})}};
  const std::vector<std::string> completions_{"\\boxed{0.5}", "\\boxed{0.6}", "\\boxed{9^{9^{9^9}}}", "\\boxed{0.5}",
                                              "```python\nprint(2 * int(input()))\n```", "\xC3\xA9\n\"quoted\"\\"};
};

// Catches: another verdict or reason than in one process; results given to the wrong completion or function; a
// completion that stands there twice and gets one result.
TEST_F(RewardWorkers, SayWhatOneProcessSays) {
  const std::vector<std::string> names{"math", "think_format", "code_fraction"};
  const auto here = rewards(names, 0);
  reward_worker_program() = COHORT_BINARY;
  const auto there = rewards(names, 2);
  ASSERT_TRUE(there[0].begin && there[2].begin && !there[1].begin && !here[0].begin);
  const std::vector<RewardInput> asked = inputs();
  const std::vector<Score> expected = score(here, asked);
  for (const bool begun : {false, true}) {
    if (begun)
      for (const RewardInput& input : asked) begin_rewards(there, input);
    const std::vector<Score> found = score(there, asked);
    for (size_t i = 0; i < asked.size(); ++i) {
      ASSERT_EQ(found[i].rewards.size(), expected[i].rewards.size());
      for (size_t f = 0; f < names.size(); ++f) {
        const double a = expected[i].rewards[f].second, b = found[i].rewards[f].second;
        EXPECT_TRUE(a == b || (a != a && b != b)) << names[f] << " of " << i << ": " << a << " and " << b;
      }
      EXPECT_EQ(found[i].reasons, expected[i].reasons);
      EXPECT_EQ(found[i].notes, expected[i].notes);
    }
  }
}

// Catches: judging that waits until somebody asks for the results, and a completion judged twice because it was drawn
// twice or asked for later.
TEST_F(RewardWorkers, BeginBeforeTheyAreAsked) {
  worker_script("echo asked >> count\n" + answer("0.25"));
  const auto functions = rewards({"math"}, 1);
  const std::vector<RewardInput> asked = inputs();
  for (const RewardInput& input : asked) begin_rewards(functions, input);
  for (int i = 0; i < 600 && testing::lines_of(folder_.path() / "count").size() < 5; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(testing::lines_of(folder_.path() / "count").size(), 5u);  // of 6, two of which are equal
  for (const Score& s : score(functions, asked)) EXPECT_EQ(s.reward, 0.25);
  EXPECT_EQ(testing::lines_of(folder_.path() / "count").size(), 5u);
}

// Catches: one completion that kills its worker and takes others along, a death that hangs the run or counts as 0, and
// workers that are not started again.
TEST_F(RewardWorkers, OutliveAWorkersDeath) {
  worker_script("case $line in *0.6*) kill -9 $$;; esac\n" + answer("1"));
  const auto functions = rewards({"math"}, 2);
  const std::vector<RewardInput> asked = inputs();
  for (int round = 0; round < 2; ++round) {
    const std::vector<Score> scores = score(functions, asked);
    for (size_t i = 0; i < asked.size(); ++i) {
      if (i != 1) {
        EXPECT_EQ(scores[i].reward, 1) << i;
        continue;
      }
      EXPECT_NE(scores[i].reward, scores[i].reward);
      ASSERT_EQ(scores[i].reasons.size(), 1u);
      EXPECT_NE(scores[i].reasons[0].find("the reward worker was killed by signal 9"), std::string::npos)
          << scores[i].reasons[0];
    }
  }
}

// Catches: nonsense of a worker read as a reward, and an end of the run that waits for a worker which says nothing.
TEST_F(RewardWorkers, NonsenseIsNoRewardAndSilenceHoldsUpNothing) {
  worker_script("echo '{\"id\":0,\"results\":[]}'");
  const std::vector<RewardInput> asked = inputs();
  for (const Score& s : score(rewards({"math"}, 1), asked)) EXPECT_NE(s.reward, s.reward);
  worker_script("sleep 1000");
  const auto functions = rewards({"math"}, 1);
  for (const RewardInput& input : asked) begin_rewards(functions, input);
}  // the workers end here

// Catches: a run whose bytes depend on who judges.
TEST_F(RewardWorkers, LeaveARunsBytesAlone) {
  const testing::RunFolder run;
  for (const char* workers : {"0", "2"})
    run.finish(workers, run.options({{"reward_funcs", "[\"math\", \"last_number\"]"},
                                     {"math_extraction", "[\"last_number\"]"},
                                     {"reward_workers", workers},
                                     {"max_steps", "4"}}));
  EXPECT_TRUE(testing::same_run(run.file("0"), run.file("2"), 4));
  EXPECT_NE(read_file(run.file("2") / "metrics.jsonl").find("rewards/math/mean\":0."), std::string::npos);
}

}  // namespace
}  // namespace cohort
