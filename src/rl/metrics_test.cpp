#include "rl/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Sample sample_of(int32_t length, const char* finish_reason, double accuracy, double format) {
  Sample sample;
  sample.prompt_ids.resize(4);
  sample.completion_ids.resize(static_cast<size_t>(length));
  sample.finish_reason = finish_reason;
  sample.rewards = {{"accuracy", accuracy}, {"format", format}};
  sample.reward = accuracy + format;
  return sample;
}

std::vector<std::string> names(const Metrics& metrics) {
  std::vector<std::string> out;
  for (const auto& [name, value] : metrics) out.push_back(name);
  return out;
}

// Catches: cut completions among the terminated, inserted tokens in lengths, an uncomputed reward counted as
// 0, names or order that changed.
TEST(Metrics, OfARollout) {
  std::vector<Group> groups(2);
  groups[0].samples = {sample_of(3, "stop", 1, 1), sample_of(8, "length", 0, 1)};
  groups[1].samples = {sample_of(5, "stop", 0, 1), sample_of(6, "stop", kNan, 1)};
  groups[1].samples[1].spans = {{0, 2, true}, {2, 6, false}};
  Metrics metrics;
  add_rollout_metrics(groups, metrics);
  EXPECT_EQ(names(metrics), (std::vector<std::string>{
                                "reward", "reward_std", "frac_reward_zero_std", "rewards/accuracy/mean",
                                "rewards/accuracy/std", "rewards/accuracy/uncomputed", "rewards/format/mean",
                                "rewards/format/std", "completions/mean_length", "completions/min_length",
                                "completions/max_length", "completions/mean_terminated_length",
                                "completions/min_terminated_length", "completions/max_terminated_length",
                                "completions/clipped_ratio"}));
  EXPECT_DOUBLE_EQ(metric(metrics, "reward"), 4 / 3.0);
  EXPECT_DOUBLE_EQ(metric(metrics, "rewards/accuracy/mean"), 1 / 3.0);
  EXPECT_EQ(metric(metrics, "rewards/accuracy/uncomputed"), 1);
  EXPECT_EQ(metric(metrics, "rewards/format/std"), 0);
  EXPECT_EQ(metric(metrics, "frac_reward_zero_std"), 0);
  EXPECT_EQ(metric(metrics, "completions/mean_length"), 18 / 4.0);
  EXPECT_EQ(metric(metrics, "completions/min_length"), 2);
  EXPECT_EQ(metric(metrics, "completions/max_length"), 8);
  EXPECT_DOUBLE_EQ(metric(metrics, "completions/mean_terminated_length"), 10 / 3.0);
  EXPECT_EQ(metric(metrics, "completions/max_terminated_length"), 5);
  EXPECT_EQ(metric(metrics, "completions/clipped_ratio"), 0.25);
  EXPECT_EQ(rollout_tokens(groups), 4 * 4 + 18);
  EXPECT_TRUE(std::isnan(metric(metrics, "no such metric")));
}

// Catches: zeros that a mean of no completions would make NaN.
TEST(Metrics, NothingTerminated) {
  std::vector<Group> groups(1);
  groups[0].samples = {sample_of(8, "length", 0, 0), sample_of(8, "length", 0, 0)};
  Metrics metrics;
  add_rollout_metrics(groups, metrics);
  EXPECT_EQ(metric(metrics, "completions/mean_terminated_length"), 0);
  EXPECT_EQ(metric(metrics, "completions/min_terminated_length"), 0);
  EXPECT_EQ(metric(metrics, "completions/clipped_ratio"), 1);
  EXPECT_EQ(metric(metrics, "frac_reward_zero_std"), 1);
}

// Catches: a supervised step that reports ratios it never had, and a loss of "-0".
TEST(Metrics, OfASupervisedStepHasNoRatio) {
  CoefficientSums sums;
  sums.tokens = 4;
  sums.entropy = 2;
  Metrics metrics;
  add_update_metrics(sums, {}, metrics);
  EXPECT_EQ(names(metrics), (std::vector<std::string>{"loss", "entropy"}));
  EXPECT_FALSE(std::signbit(metric(metrics, "loss")));
  EXPECT_EQ(metric(metrics, "entropy"), 0.5);
}

struct Odd {
  const char* what;
  Metrics metrics;
  MetricsContext context;
  std::vector<std::string> expected;  // how each line begins
};

// Catches: an explanation that is missing, wrong for its situation, or given where nothing is odd.
TEST(Metrics, OddNumbersAreExplained) {
  const Odd cases[] = {
      {"a usual later update",
       {{"reward", 0.4},
        {"reward_std", 0.3},
        {"frac_reward_zero_std", 0.2},
        {"loss", 0.01},
        {"entropy", 0.5},
        {"clip_ratio/region_mean", 0.1},
        {"completions/clipped_ratio", 0.1},
        {"grad_norm", 0.3}},
       {false, 32},
       {}},
      {"a usual first update",
       {{"reward", 0.4},
        {"frac_reward_zero_std", 0.2},
        {"loss", 1e-9},
        {"clip_ratio/region_mean", 0.0},
        {"grad_norm", 1}},
       {true, 32},
       {"loss is 1e-09: expected on the first update", "clip_ratio/region_mean is 0: by construction"}},
      {"loss 0 off-policy is not explained away",
       {{"reward", 0.4},
        {"frac_reward_zero_std", 0.2},
        {"loss", 0.0},
        {"clip_ratio/region_mean", 0.0},
        {"grad_norm", 1}},
       {false, 32},
       {}},
      {"all rewards equal",
       {{"reward", 0.0}, {"reward_std", 0.0}, {"frac_reward_zero_std", 1}, {"loss", 0.0}, {"grad_norm", 0.0}},
       {true, 32},
       {"frac_reward_zero_std is 1: every completion of this step got the same reward"}},
      {"equal within each prompt",
       {{"reward", 0.5}, {"reward_std", 0.5}, {"frac_reward_zero_std", 1}, {"loss", 0.0}, {"grad_norm", 0.0}},
       {true, 32},
       {"frac_reward_zero_std is 1: within every prompt"}},
      {"all cut",
       {{"reward", 0.5}, {"completions/clipped_ratio", 1}},
       {true, 77},
       {"completions/clipped_ratio is 1: every completion was cut at max_completion_length = 77"}},
      {"reference",
       {{"reward", 0.5}, {"kl", 0}},
       {true, 77},
       {"kl is 0: the policy still equals its reference"}},
      {"uncomputed",
       {{"reward", kNan}, {"rewards/last_number/uncomputed", 3}},
       {false, 77},
       {"reward is nan: no reward", "rewards/last_number/uncomputed is 3: "}},
      {"diverged",
       {{"loss", 1.5}, {"grad_norm", kNan}},
       {false, 77},
       {"grad_norm is nan: not a finite number"}},
      {"collapsed",
       {{"loss", 1.5}, {"entropy", 0.001}},
       {false, 77},
       {"entropy is 0.001: the policy has all but stopped"}},
  };
  for (const Odd& odd : cases) {
    SCOPED_TRACE(odd.what);
    const std::vector<std::string> lines = explain_odd_numbers(odd.metrics, odd.context);
    ASSERT_EQ(lines.size(), odd.expected.size()) << (lines.empty() ? "" : lines[0]);
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_TRUE(lines[i].starts_with(odd.expected[i])) << lines[i];
      EXPECT_EQ(lines[i].find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace cohort
