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

// Catches: pair or critic metrics where there were none, or missing where there were; an explained variance
// of rounding errors where all returns are equal.
TEST(Metrics, OfPairsAndOfACritic) {
  CoefficientSums sums;
  sums.tokens = 6;
  sums.pairs = 4;
  sums.pairs_right = 3;
  sums.margin = 2;
  sums.reward_chosen = 1;
  sums.reward_rejected = -1;
  Metrics metrics;
  add_update_metrics(sums, {}, metrics);
  EXPECT_EQ(names(metrics), (std::vector<std::string>{"loss", "entropy", "rewards/chosen", "rewards/rejected",
                                                      "rewards/accuracies", "rewards/margins"}));
  EXPECT_EQ(metric(metrics, "rewards/chosen"), 0.25);
  EXPECT_EQ(metric(metrics, "rewards/rejected"), -0.25);
  EXPECT_EQ(metric(metrics, "rewards/accuracies"), 0.75);
  EXPECT_EQ(metric(metrics, "rewards/margins"), 0.5);

  sums = {};
  sums.tokens = 10;
  sums.ratio_count = 10;
  metrics.clear();
  add_update_metrics(sums, {}, metrics);
  EXPECT_EQ(metrics.back().first, "ratio/max");
  for (int i = 0; i < 10; ++i) {
    sums.returns += 0.1;
    ++sums.values;
    sums.returns_squared += 0.1 * 0.1;
    sums.residual += 0.3 * i;
    sums.residual_squared += 0.3 * i * 0.3 * i;
  }
  metrics.clear();
  add_update_metrics(sums, {}, metrics);
  EXPECT_EQ(metrics.back().first, "explained_variance");
  EXPECT_TRUE(std::isnan(metrics.back().second));
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
      {"pairs before the first update",
       {{"loss", 0.693}, {"rewards/chosen", 0}, {"rewards/accuracies", 0}, {"rewards/margins", 0}},
       {false, 77},
       {"rewards/margins is 0: by construction before the first update"}},
      {"pairs as usual",
       {{"loss", 0.6}, {"rewards/chosen", -0.1}, {"rewards/accuracies", 0.5}, {"rewards/margins", 0.2}},
       {false, 77},
       {}},
      {"pairs swapped",
       {{"loss", 1.6}, {"rewards/chosen", -2}, {"rewards/accuracies", 0}, {"rewards/margins", -1.5}},
       {false, 77},
       {"rewards/accuracies is 0: every pair is ordered the wrong way"}},
      {"chosen completions displaced",
       {{"loss", 0.2}, {"rewards/chosen", -2}, {"rewards/accuracies", 1}, {"rewards/margins", 1.5}},
       {false, 77},
       {"rewards/chosen is -2: the chosen completions become less likely too"}},
      {"a critic at its start, every reward equal",
       {{"frac_reward_zero_std", 1},
        {"loss/value_avg", 0.4},
        {"val/clipfrac_avg", 0},
        {"explained_variance", -3}},
       {false, 77},
       {"explained_variance is -3: the values of sampling time are worse"}},
      {"a critic without anything to explain, moved too far",
       {{"loss/value_avg", 0.4}, {"val/clipfrac_avg", 0.75}, {"explained_variance", kNan}},
       {false, 77},
       {"explained_variance is nan: all returns", "val/clipfrac_avg is 0.75: most values moved"}},
      {"a critic as usual",
       {{"loss/value_avg", 0.4}, {"val/clipfrac_avg", 0.1}, {"explained_variance", 0.6}},
       {false, 77},
       {}},
      {"a trust region without a step",
       {{"loss", 0.1}, {"is_line_search_success", 0}, {"line_search_steps", 10}},
       {true, 77},
       {"is_line_search_success is 0: no length that was tried"}},
      {"no gradient, so no direction",
       {{"reward_std", 0},
        {"frac_reward_zero_std", 1},
        {"is_line_search_success", 0},
        {"line_search_steps", 0}},
       {true, 77},
       {"frac_reward_zero_std is 1: every completion"}},
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
