#include "rl/coefficient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/philox.h"
#include "rl/coefficient_entropy.h"
#include "rl/coefficient_test_support.h"
#include "rl/methods.h"
#include "rl/metrics.h"
#include "rl/normalize.h"
#include "rl/sample_test_support.h"

namespace cohort {
namespace {

template <class T>
T enum_of(const std::string& name, std::initializer_list<std::pair<const char*, T>> values) {
  for (const auto& [known, value] : values)
    if (name == known) return value;
  fail("unknown {}", name);
}

constexpr std::initializer_list<std::pair<const char*, LossType>> kLossTypes = {
    {"grpo", LossType::grpo},   {"bnpo", LossType::bnpo},   {"dr_grpo", LossType::dr_grpo},
    {"dapo", LossType::dapo},   {"cispo", LossType::cispo}, {"sapo", LossType::sapo},
    {"luspo", LossType::luspo}, {"vespo", LossType::vespo}, {"gmpo", LossType::gmpo}, {"r1", LossType::r1}};

CoefficientOptions options_of(const nlohmann::json& c) {
  CoefficientOptions o;
  o.loss_type = enum_of<LossType>(c["loss_type"], kLossTypes);
  o.beta = c["beta"];
  o.use_bias_correction_kl = c["use_bias_correction_kl"];
  o.epsilon = c["epsilon"];
  if (!c["epsilon_high"].is_null()) o.epsilon_high = c["epsilon_high"].get<double>();
  if (!c["delta"].is_null()) o.delta = c["delta"].get<double>();
  o.importance_sampling_level =
      enum_of<ImportanceLevel>(c["importance_sampling_level"],
                               {{"token", ImportanceLevel::token}, {"sequence", ImportanceLevel::sequence}});
  if (c.contains("kl_estimator"))
    o.kl_estimator = enum_of<KlEstimator>(
        c["kl_estimator"], {{"k1", KlEstimator::k1}, {"k2", KlEstimator::k2}, {"k3", KlEstimator::k3}});
  o.sapo_temperature_neg = c.value("sapo_temperature_neg", o.sapo_temperature_neg);
  o.sapo_temperature_pos = c.value("sapo_temperature_pos", o.sapo_temperature_pos);
  o.vespo_k_pos = c.value("vespo_k_pos", o.vespo_k_pos);
  o.vespo_lambda_pos = c.value("vespo_lambda_pos", o.vespo_lambda_pos);
  o.vespo_k_neg = c.value("vespo_k_neg", o.vespo_k_neg);
  o.vespo_lambda_neg = c.value("vespo_lambda_neg", o.vespo_lambda_neg);
  o.entropy_coef = c.value("entropy_coef", 0.0);
  o.top_entropy_quantile = c.value("top_entropy_quantile", 1.0);
  if (c.contains("off_policy_mask_threshold"))
    o.off_policy_mask_threshold = c["off_policy_mask_threshold"].get<double>();
  return o;
}

struct Seen {
  int cases = 0, zero = 0;
};

Seen expect_equal_to_fixture(const std::string& name) {
  const std::string path = std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/" + name;
  Seen seen;
  const nlohmann::json fixture = nlohmann::json::parse(read_file(path));
  for (const auto& c : fixture["cases"]) {
    CoefficientOptions options = options_of(c);
    check(options);
    NormalizeOptions normalize;
    normalize.loss_type = options.loss_type;
    normalize.max_completion_length = c["max_completion_length"];
    normalize.tokens_per_step = c["tokens_per_step"];
    SCOPED_TRACE(fmt::format("case {} {}", seen.cases++, c["loss_type"].get<std::string>()));

    Group group;
    Vectors fresh, entropies;
    for (const auto& s : c["samples"]) {
      Sample sample;
      sample.spans = spans_of(s["sampled"]);
      sample.completion_ids.resize(sample.spans.size());
      sample.log_probs = s["old_log_probs"].get<std::vector<float>>();
      sample.ref_log_probs = s["ref_log_probs"].get<std::vector<float>>();
      sample.entropies = s["entropies"].get<std::vector<float>>();
      sample.advantages = {s["advantage"].get<float>()};
      fresh.push_back(s["log_probs"].get<std::vector<float>>());
      entropies.push_back(sample.entropies);
      group.samples.push_back(std::move(sample));
    }
    const EntropyCut cut = entropy_cut({&group, 1}, options.top_entropy_quantile);
    options.entropy_threshold = cut.threshold;
    options.entropy_tokens = static_cast<double>(cut.tokens);
    Outcome found =
        run(clipped_ratio, group, fresh, token_weights({&group, 1}, normalize), options, entropies);
    for (size_t i = 0; i < fresh.size(); ++i) add_entropy(group.samples[i], entropies[i], found.sums);

    const auto near = [](double value, double expected, size_t i, size_t t) {
      EXPECT_NEAR(value, expected, 2e-7 * std::abs(expected) + 1e-10) << i << " " << t;
    };
    for (size_t i = 0; i < fresh.size(); ++i) {
      const auto& s = c["samples"][i];
      for (size_t t = 0; t < fresh[i].size(); ++t) {
        near(found.seeds[i][t], -s["gradient"][t].get<double>(), i, t);
        near(found.entropy_seeds[i][t],
             s.contains("entropy_gradient") ? -s["entropy_gradient"][t].get<double>() : 0, i, t);
        seen.zero += s["gradient"][t] == 0.0;
      }
    }
    Metrics metrics;
    add_update_metrics(found.sums, options, metrics);
    EXPECT_NEAR(metric(metrics, "loss"), c["loss"], 1e-12);
    for (const auto& item : c["metrics"].items()) {
      if (item.key() == "policy_loss" || item.key() == "entropy_coef" || item.key() == "vespo/phi_seq_mean")
        continue;
      const std::string own = item.key() == "cispo_clip_ratio" ? "clip_ratio/high_mean" : item.key();
      EXPECT_NEAR(metric(metrics, own), item.value(), 1e-6) << own;
    }
  }
  return seen;
}

// Catches: any wrong sign, clip, bound, KL term, normalisation, or metric; the expectations are TRL's own
// code run in float64.
TEST(Coefficient, LossGradientAndMetricsEqualTrl) {
  const Seen seen = expect_equal_to_fixture("losses.json");
  EXPECT_GE(seen.cases, 28);
  EXPECT_GT(seen.zero, 100);
}

// Catches: a loss_type, KL estimator, entropy bonus or mask that differs from TRL's (GMPO, k1, k2: from the
// papers' formulas); a cut of the entropies that is off by one rank.
TEST(Coefficient, VariantsEqualTrl) { EXPECT_GE(expect_equal_to_fixture("loss_variants.json").cases, 27); }

// Catches: a coefficient that is not the derivative of its objective. Log-probs lie on a grid of 2^-10 and
// move by 2^-12, so float holds them exactly and the objective's sums are in double.
TEST(Coefficient, IsTheDerivativeOfTheObjective) {
  constexpr float step = 0x1p-12f;
  int options_seen = 0;
  for (double beta : {0.0, 0.25})
    for (bool bias : {false, true})
      for (std::optional<double> high : {std::optional<double>(), std::optional<double>(0.28)})
        for (std::optional<double> delta : {std::optional<double>(), std::optional<double>(1.6)})
          for (ImportanceLevel level : {ImportanceLevel::token, ImportanceLevel::sequence})
            for (bool per_token : {false, true}) {
              CoefficientOptions options;
              options.epsilon_high = high;
              options.delta = delta;
              options.beta = beta;
              options.use_bias_correction_kl = bias;
              options.importance_sampling_level = level;
              SCOPED_TRACE(fmt::format("options {}", ++options_seen));
              Group group;
              Vectors fresh;
              const auto random = [&](uint32_t i, uint32_t t, uint32_t what) {
                const double u = uniform53(7, Stream::data, what, static_cast<uint32_t>(options_seen), i, t);
                return static_cast<float>(std::round(2048 * (u - 0.5)) / 1024);
              };
              for (uint32_t i = 0; i < 4; ++i) {
                Sample sample;
                sample.completion_ids.resize(6);
                if (i == 2) sample.spans = {{0, 2, true}, {2, 3, false}, {3, 6, true}};
                fresh.emplace_back();
                sample.advantages.resize(per_token ? 6 : 1);
                for (float& a : sample.advantages)
                  a = random(i, static_cast<uint32_t>(&a - sample.advantages.data()), 3);
                for (uint32_t t = 0; t < 6; ++t) {
                  fresh[i].push_back(-2 + random(i, t, 0));
                  sample.log_probs.push_back(fresh[i][t] + 0.75f * random(i, t, 1));
                  sample.ref_log_probs.push_back(fresh[i][t] + random(i, t, 2));
                }
                group.samples.push_back(sample);
              }
              const std::vector<double> weights = {0.5, 1, 2, 0.25};
              const Outcome at = run(clipped_ratio, group, fresh, weights, options);
              for (size_t i = 0; i < 4; ++i)
                for (size_t t = 0; t < 6; ++t) {
                  Vectors moved = fresh;
                  moved[i][t] = fresh[i][t] + step;
                  const double above = run(clipped_ratio, group, moved, weights, options).sums.objective;
                  moved[i][t] = fresh[i][t] - step;
                  const double below = run(clipped_ratio, group, moved, weights, options).sums.objective;
                  EXPECT_NEAR(at.seeds[i][t], (above - below) / (2 * double{step}), 1e-6) << i << " " << t;
                  if (!group.samples[i].is_sampled(t)) {
                    EXPECT_EQ(at.seeds[i][t], 0.0f);
                  }
                }
            }
  EXPECT_EQ(options_seen, 64);
}

Group one_sample(std::vector<float> old, std::vector<float> ref, float advantage) {
  Group group;
  Sample sample;
  sample.completion_ids.resize(old.size());
  sample.log_probs = std::move(old);
  sample.ref_log_probs = std::move(ref);
  sample.advantages = {advantage};
  group.samples.push_back(sample);
  return group;
}

// Catches: a ratio that is not exactly 1 on-policy, or a KL term that is not exactly 0 where the reference is
// the policy.
TEST(Coefficient, OnPolicyIsExact) {
  const std::vector<float> log_probs = {-0.1f, -7.3f, -1e-7f, 0.0f};
  for (bool bias : {false, true}) {
    CoefficientOptions options;
    options.beta = 0.04;
    options.use_bias_correction_kl = bias;
    const Outcome found =
        run(clipped_ratio, one_sample(log_probs, log_probs, 0.7f), {log_probs}, {1 / 3.0}, options);
    for (float seed : found.seeds[0]) EXPECT_EQ(seed, static_cast<float>(1 / 3.0 * double{0.7f}));
    EXPECT_EQ(found.sums.kl, 0.0);
    EXPECT_EQ(found.sums.ratio_min, 1.0);
    EXPECT_EQ(found.sums.ratio_max, 1.0);
    EXPECT_EQ(found.sums.clipped_low + found.sums.clipped_high, 0.0);
  }
}

// Catches: a rule that looks across samples or reorders its sums: the same batch whole or sample by sample
// has the same bits.
TEST(Coefficient, SumsDoNotDependOnTheCut) {
  std::vector<Group> groups;
  Vectors fresh;
  for (uint32_t g = 0; g < 5; ++g) {
    std::vector<float> old, now;
    for (uint32_t t = 0; t < 9; ++t) {
      old.push_back(static_cast<float>(-uniform53(1, Stream::data, 0, g, 0, t)));
      now.push_back(static_cast<float>(-uniform53(1, Stream::data, 1, g, 0, t)));
    }
    groups.push_back(one_sample(old, old, static_cast<float>(uniform53(1, Stream::data, 2, g, 0, 0) - 0.5)));
    fresh.push_back(now);
  }
  CoefficientOptions options;
  options.beta = 0.1;
  CoefficientSums one_by_one;
  Group whole;
  for (size_t g = 0; g < groups.size(); ++g) {
    std::vector<float> seeds(9);
    const FreshSample f{fresh[g]};
    const SampleSeeds s{seeds};
    const double weight = 0.1 * static_cast<double>(g + 1);
    clipped_ratio(groups[g], {&f, 1}, {&weight, 1}, options, {&s, 1}, one_by_one);
    whole.samples.push_back(groups[g].samples[0]);
  }
  const Outcome at_once =
      run(clipped_ratio, whole, fresh, {0.1 * 1.0, 0.1 * 2.0, 0.1 * 3.0, 0.1 * 4.0, 0.1 * 5.0}, options);
  EXPECT_EQ(at_once.sums.objective, one_by_one.objective);
  EXPECT_EQ(at_once.sums.kl, one_by_one.kl);
  EXPECT_EQ(at_once.sums.ratio, one_by_one.ratio);
}

// Catches: supervised seeds that need a forward, or weights of the wrong tokens.
TEST(Coefficient, PlainSeedsAreWeightTimesCredit) {
  Group group = one_sample({0, 0, 0}, {}, 1.0f);
  group.samples[0].spans = {{0, 1, false}, {1, 3, true}};
  std::vector<float> seeds(3, NAN);
  const SampleSeeds out{seeds}, none{};
  const FreshSample before{};
  const std::vector<float> log_probs = {-100, -1, -2};
  const FreshSample after{log_probs};
  const double weight = 0.5;
  CoefficientSums sums;
  plain(group, {&before, 1}, {&weight, 1}, {}, {&out, 1}, sums);
  EXPECT_EQ(seeds, (std::vector<float>{0, 0.5f, 0.5f}));
  EXPECT_EQ(sums.tokens, 0);
  plain(group, {&after, 1}, {&weight, 1}, {}, {&none, 1}, sums);
  EXPECT_EQ(sums.objective, -1.5);
  EXPECT_EQ(sums.tokens, 2);
}

// Catches: options out of range that would silently train something else.
TEST(Coefficient, RefusesImpossibleOptions) {
  EXPECT_NO_THROW(check(CoefficientOptions{}));
  EXPECT_THROW(check({.epsilon = 1}), Error);
  EXPECT_THROW(check({.epsilon = -0.1}), Error);
  EXPECT_THROW(check({.epsilon_high = -0.1}), Error);
  EXPECT_THROW(check({.delta = 1.2}), Error);
  EXPECT_THROW(check({.beta = -1}), Error);
  EXPECT_THROW(check({.beta = NAN}), Error);
}

// Catches: a row of the table that lost its rules; a misspelt name that is not helped.
TEST(Methods, TableAndErrors) {
  for (const Method& method : methods()) {
    EXPECT_EQ(&find_method(method.name), &method);
    EXPECT_TRUE(method.credit && method.coefficient);
  }
  EXPECT_EQ(find_method("grpo").coefficient, &clipped_ratio);
  EXPECT_EQ(find_method("sft").source, Source::file);
  try {
    find_method("grpoo");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()),
              "method: expected one of sft, rft, online-rft, dpo, ppo, grpo, trpo, distill, found \"grpoo\" "
              "(nearest: grpo)");
  }
}

}  // namespace
}  // namespace cohort
