#include "rl/credit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "rl/metrics.h"
#include "rl/normalize.h"

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const std::string kFixture = std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/credit/credit.json";

std::vector<Group> groups_of(const std::vector<double>& rewards, size_t size) {
  std::vector<Group> groups(rewards.size() / size);
  for (size_t i = 0; i < rewards.size(); ++i) {
    Sample sample;
    sample.reward = rewards[i];
    groups[i / size].samples.push_back(sample);
  }
  return groups;
}

// Catches: n for n - 1, std of the batch for the group's, the 1e-4 in the wrong place, NaN rewards counted as
// 0.
TEST(Credit, EqualsTrl) {
  const std::string path = std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/advantages.json";
  int cases = 0;
  const nlohmann::json fixture = nlohmann::json::parse(read_file(path));
  for (const auto& c : fixture["cases"]) {
    ++cases;
    std::vector<double> rewards;
    for (const auto& r : c["rewards"]) rewards.push_back(r.is_null() ? kNan : r.get<double>());
    const std::string scale = c["scale_rewards"];
    SCOPED_TRACE(scale + " " + c["rewards"].dump());
    std::vector<Group> groups = groups_of(rewards, c["num_generations"]);
    CreditOptions options;
    options.scale_rewards = scale == "group"   ? ScaleRewards::group
                            : scale == "batch" ? ScaleRewards::batch
                                               : ScaleRewards::none;
    group_advantages(groups, options);
    size_t i = 0;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) {
        ASSERT_EQ(sample.advantages.size(), 1u);
        const double expected = c["advantages"][i++];
        EXPECT_NEAR(sample.advantages[0], expected, 1e-6 * (1 + std::abs(expected)));
      }
    Metrics metrics;
    add_rollout_metrics(groups, metrics);
    EXPECT_NEAR(metric(metrics, "reward"), c["reward"], 1e-12);
    EXPECT_NEAR(metric(metrics, "reward_std"), c["reward_std"], 1e-7);  // TRL: n / (n - 1) in float32
    if (scale == "group") {
      EXPECT_EQ(metric(metrics, "frac_reward_zero_std"), c["frac_reward_zero_std"]);
    }
  }
  EXPECT_EQ(cases, 18);
}

// Catches: rounding noise of the mean blown up by the division by 1e-4 where all rewards are equal.
TEST(Credit, EqualRewardsGiveExactlyZero) {
  std::vector<Group> groups = groups_of({0.1, 0.1, 0.1, 0.7, 0.7, 0.7}, 3);
  group_advantages(groups, {});
  for (const Group& group : groups)
    for (const Sample& sample : group.samples) EXPECT_EQ(sample.advantages[0], 0.0f);
}

// Catches: a lone computed reward compared with nothing, or NaN leaking into seeds.
TEST(Credit, UncomputedRewardsGetNoAdvantage) {
  for (ScaleRewards scale : {ScaleRewards::group, ScaleRewards::batch, ScaleRewards::none}) {
    std::vector<Group> groups = groups_of({kNan, kNan, 1, kNan, 1, 0, kNan, 1}, 4);
    CreditOptions options;
    options.scale_rewards = scale;
    group_advantages(groups, options);
    for (size_t i : {0, 1, 2, 3}) EXPECT_EQ(groups[0].samples[i].advantages[0], 0.0f);
    EXPECT_EQ(groups[1].samples[2].advantages[0], 0.0f);
    EXPECT_LT(groups[1].samples[1].advantages[0], 0.0f);
    EXPECT_FLOAT_EQ(groups[1].samples[0].advantages[0], groups[1].samples[3].advantages[0]);
  }
}

Sample sample_of(int32_t length, std::vector<TokenSpan> spans = {}) {
  Sample sample;
  sample.completion_ids.resize(static_cast<size_t>(length));
  sample.spans = std::move(spans);
  return sample;
}

CreditRule rule_of(const std::string& name) {
  if (name == "leave_one_out") return leave_one_out_advantages;
  return name == "batch" ? batch_advantages : group_baseline_advantages;
}

// A relative error of 1e-6; what is 0 but for rounding in the fixture is 0 here.
void expect_close(double found, double expected) {
  EXPECT_NEAR(found, expected, 1e-6 * std::abs(expected) + 1e-11);
}

// Catches: the sample itself in its baseline, a divisor n for n - 1, samples weighed alike whatever their
// length, epsilon beside the root, the group's mean left out or taken over the batch, NaN counted as 0.
TEST(Credit, SampleRulesEqualTheirReferences) {
  const nlohmann::json fixture = nlohmann::json::parse(read_file(kFixture));
  int cases = 0;
  for (const auto& c : fixture["samples"]) {
    ++cases;
    SCOPED_TRACE(c.dump());
    std::vector<double> rewards;
    for (const auto& r : c["rewards"]) rewards.push_back(r.is_null() ? kNan : r.get<double>());
    std::vector<Group> groups = groups_of(rewards, c["num_generations"]);
    if (c.contains("lengths")) {
      size_t i = 0;
      for (Group& group : groups)
        for (Sample& sample : group.samples) sample.completion_ids.resize(c["lengths"][i++].get<size_t>());
    }
    rule_of(c["rule"])(groups, {});
    size_t i = 0;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) {
        ASSERT_EQ(sample.advantages.size(), 1u);
        expect_close(sample.advantages[0], c["advantages"][i++]);
      }
  }
  EXPECT_EQ(cases, 22);
}

// Catches: a penalty of the wrong sign, a mean of the tokens for their sum, a penalty after the comparison, and
// a reward that stays penalised for whoever reads it next.
TEST(Credit, KlInTheRewardEqualsTrls) {
  const nlohmann::json fixture = nlohmann::json::parse(read_file(kFixture));
  int cases = 0;
  for (const auto& c : fixture["kl_in_reward"]) {
    ++cases;
    std::vector<double> rewards;
    for (const auto& r : c["rewards"]) rewards.push_back(r.is_null() ? kNan : r.get<double>());
    std::vector<Group> groups = groups_of(rewards, c["num_generations"]);
    size_t i = 0;
    for (Group& group : groups)
      for (Sample& sample : group.samples) {
        sample.log_probs = c["log_probs"][i].get<std::vector<float>>();
        sample.ref_log_probs = c["ref_log_probs"][i].get<std::vector<float>>();
        sample.completion_ids.resize(c["log_probs"][i++].size());
      }
    CreditOptions options;
    options.kl_coef = c["kl_coef"];
    credit_with_kl(leave_one_out_advantages, groups, options);
    i = 0;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) {
        SCOPED_TRACE(i);
        EXPECT_TRUE(sample.reward == rewards[i] || std::isnan(rewards[i]));
        ASSERT_EQ(sample.advantages.size(), 1u);
        expect_close(sample.advantages[0], c["advantages"][i++]);
      }
  }
  EXPECT_EQ(cases, 6);
}

// Catches: inserted tokens that pay.
TEST(Credit, InsertedTokensPayNoKl) {
  Sample sample;
  sample.completion_ids = {1, 2, 3};
  sample.log_probs = {-1, 0, -2};
  sample.ref_log_probs = {-1.5f, -9, -1};
  sample.spans = {{0, 1, true}, {1, 2, false}, {2, 3, true}};
  EXPECT_DOUBLE_EQ(kl_to_reference(sample), 0.5 - 1);
}

std::vector<Group> groups_of_rows(const nlohmann::json& rows, size_t size) {
  std::vector<Group> groups(rows.size() / size);
  for (size_t i = 0; i < rows.size(); ++i) {
    Sample& sample = groups[i / size].samples.emplace_back();
    for (const auto& r : rows[i]) sample.rewards.emplace_back("r", r.is_null() ? kNan : r.get<double>());
  }
  return groups;
}

// Catches: weights before the normalisation, the last division left out or by the group's std, a missing
// reward taking its sample's other rewards with it.
TEST(Credit, SeveralRewardsNormalizedOneByOneEqualTrl) {
  const nlohmann::json fixture = nlohmann::json::parse(read_file(kFixture));
  int cases = 0;
  for (const auto& c : fixture["multi_objective"]) {
    ++cases;
    SCOPED_TRACE(c.dump());
    std::vector<Group> groups = groups_of_rows(c["rewards"], c["num_generations"]);
    CreditOptions options;
    options.multi_objective_aggregation = RewardAggregation::normalize_then_sum;
    options.reward_weights = c["reward_weights"].get<std::vector<double>>();
    group_advantages(groups, options);
    size_t i = 0;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) {
        ASSERT_EQ(sample.advantages.size(), 1u);
        expect_close(sample.advantages[0], c["advantages"][i++]);
      }
  }
  EXPECT_EQ(cases, 5);
}

// Catches: rounding noise of a mean divided by 1e-4 or less, groups of one credited with their whole reward,
// NaN leaking into seeds.
TEST(Credit, NothingToCompareGivesExactlyZero) {
  const auto expect_zero = [](const std::vector<Group>& groups) {
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) EXPECT_EQ(sample.advantages, std::vector<float>{0.0f});
  };
  for (CreditRule rule : {leave_one_out_advantages, batch_advantages, group_baseline_advantages}) {
    for (const std::vector<double>& rewards :
         {std::vector<double>(6, 0.1), {kNan, kNan, 1, kNan, kNan, kNan}}) {
      std::vector<Group> groups = groups_of(rewards, 3);
      for (Group& group : groups)
        for (size_t i = 0; i < 3; ++i) group.samples[i].completion_ids.resize(i + 1);
      rule(groups, {});
      expect_zero(groups);
    }
  }
  for (CreditRule rule : {leave_one_out_advantages, group_baseline_advantages}) {
    std::vector<Group> groups = groups_of({1, 0.3}, 1);
    for (Group& group : groups) group.samples[0].completion_ids.resize(2);
    rule(groups, {});
    expect_zero(groups);
  }
  CreditOptions options;
  options.multi_objective_aggregation = RewardAggregation::normalize_then_sum;
  for (const char* rows : {"[[0.1, 0.7], [0.1, 0.7], [0.1, 0.7], [0.3, null], [0.3, null], [0.3, null]]",
                           "[[1, null], [null, 2], [null, null]]"}) {
    std::vector<Group> groups = groups_of_rows(nlohmann::json::parse(rows), 3);
    group_advantages(groups, options);
    expect_zero(groups);
  }
}

// Catches: a reward with no other to compare with that moves its own sample, the batch's mean, or what the
// sample's other rewards say.
TEST(Credit, LoneRewardsAreLeftOut) {
  std::vector<Group> with = groups_of({kNan, 1, 0, 1, 0, 0.5}, 2), without = groups_of({0, 1, 0, 0.5}, 2);
  for (std::vector<Group>* groups : {&with, &without})
    for (Group& group : *groups)
      for (size_t i = 0; i < 2; ++i) group.samples[i].completion_ids.resize(1 + 2 * i);
  group_baseline_advantages(with, {});
  group_baseline_advantages(without, {});
  EXPECT_EQ(with[0].samples[1].advantages, std::vector<float>{0});
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NE(without[i / 2].samples[i % 2].advantages[0], 0);
    EXPECT_EQ(with[1 + i / 2].samples[i % 2].advantages, without[i / 2].samples[i % 2].advantages);
  }
  CreditOptions options;
  options.multi_objective_aggregation = RewardAggregation::normalize_then_sum;
  with = groups_of_rows(nlohmann::json::parse("[[1, null], [0, 5], [0, null]]"), 3);
  without = groups_of_rows(nlohmann::json::parse("[[1], [0], [0]]"), 3);
  group_advantages(with, options);
  group_advantages(without, options);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NE(without[0].samples[i].advantages[0], 0);
    EXPECT_EQ(with[0].samples[i].advantages, without[0].samples[i].advantages);
  }
}

// Catches: inserted tokens weighing in the batch's mean.
TEST(Credit, InsertedTokensWeighNothing) {
  std::vector<Group> plain = groups_of({1, 0, 0.5, 0}, 2), inserted = plain;
  for (size_t i = 0; i < 4; ++i) {
    plain[i / 2].samples[i % 2].completion_ids.resize(3);
    Sample& sample = inserted[i / 2].samples[i % 2];
    const int32_t extra = static_cast<int32_t>(5 * i);
    sample.completion_ids.resize(static_cast<size_t>(3 + extra));
    sample.spans = {{0, 2, true}, {2, 2 + extra, false}, {2 + extra, 3 + extra, true}};
  }
  batch_advantages(plain, {});
  batch_advantages(inserted, {});
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(plain[i / 2].samples[i % 2].advantages, inserted[i / 2].samples[i % 2].advantages);
}

// Catches: a reward shifted or scaled on its way, NaN as a credit.
TEST(Credit, RewardIsItsOwnCredit) {
  std::vector<Group> groups = groups_of({1, 0, kNan, 0.25}, 2);
  reward_credit(groups, {});
  EXPECT_EQ(groups[0].samples[0].advantages, std::vector<float>{1});
  EXPECT_EQ(groups[0].samples[1].advantages, std::vector<float>{0});
  EXPECT_EQ(groups[1].samples[0].advantages, std::vector<float>{0});
  EXPECT_EQ(groups[1].samples[1].advantages, std::vector<float>{0.25});
}

// Catches: a normalisation that does not sum to what its formula says, inserted tokens counted, per-group
// instead of per-batch divisors.
TEST(Normalize, WeightsSumToWhatTheFormulaSays) {
  std::vector<Group> batch(2);
  batch[0].samples = {sample_of(3), sample_of(10, {{0, 4, true}, {4, 9, false}, {9, 10, true}})};
  batch[1].samples = {sample_of(2), sample_of(0), sample_of(6)};
  const double lengths[] = {3, 5, 2, 0, 6};
  EXPECT_EQ(sampled_tokens(batch), 16);
  const auto weights = [&](LossType type, double tokens_per_step = 0) {
    return token_weights(batch, {type, 20, tokens_per_step});
  };
  const auto expect = [&](const std::vector<double>& found, std::vector<double> expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_DOUBLE_EQ(found[i], expected[i]) << i;
  };
  expect(weights(LossType::grpo), {1 / 15., 1 / 25., 1 / 10., 0, 1 / 30.});
  expect(weights(LossType::bnpo), {1 / 16., 1 / 16., 1 / 16., 0, 1 / 16.});
  expect(weights(LossType::dr_grpo), {1 / 100., 1 / 100., 1 / 100., 0, 1 / 100.});
  expect(weights(LossType::dapo), {1 / 16., 1 / 16., 1 / 16., 0, 1 / 16.});
  expect(weights(LossType::dapo, 32), {1 / 32., 1 / 32., 1 / 32., 0, 1 / 32.});
  double sum = 0;
  for (size_t i = 0; i < 5; ++i) sum += weights(LossType::grpo)[i] * lengths[i];
  EXPECT_NEAR(sum, 4 / 5., 1e-15);  // one sample of five has no token
}

}  // namespace
}  // namespace cohort
