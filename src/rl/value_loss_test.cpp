#include "rl/value_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "rl/metrics.h"
#include "rl/normalize.h"
#include "rl/sample_test_support.h"

namespace cohort {
namespace {

using Vectors = std::vector<std::vector<float>>;

struct Outcome {
  Vectors log_prob, value;
  CoefficientSums sums;
};

Outcome run(const Group& group, const Vectors& log_probs, const Vectors& values,
            const std::vector<double>& weights, const CoefficientOptions& options) {
  Outcome out;
  for (const auto& v : log_probs) {
    out.log_prob.emplace_back(v.size(), NAN);
    out.value.emplace_back(v.size(), NAN);
  }
  std::vector<FreshSample> fresh;
  std::vector<SampleSeeds> seeds;
  for (size_t i = 0; i < log_probs.size(); ++i) {
    fresh.push_back({log_probs[i], {}, values[i]});
    seeds.push_back({out.log_prob[i], {}, out.value[i]});
  }
  clipped_ratio_and_value(group, fresh, weights, options, seeds, out.sums);
  return out;
}

// Catches: a wrong sign, factor, clip or mask of the policy or the value part, a metric that is not TRL's.
// The expectations are PPO's formula and its gradient by autograd in float64.
TEST(ValueLoss, LossGradientAndMetricsEqualAutograd) {
  const nlohmann::json fixture =
      nlohmann::json::parse(read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/value.json"));
  int cases = 0, clipped = 0;
  for (const auto& c : fixture["cases"]) {
    SCOPED_TRACE(fmt::format("case {}", cases++));
    CoefficientOptions options;
    options.epsilon = c["epsilon"];
    options.vf_coef = c["vf_coef"];
    options.cliprange_value = c["cliprange_value"];
    Group group;
    Vectors log_probs, values;
    for (const auto& s : c["samples"]) {
      Sample sample;
      sample.spans = spans_of(s["sampled"]);
      sample.completion_ids.resize(sample.spans.size());
      sample.log_probs = s["old_log_probs"].get<std::vector<float>>();
      sample.advantages = s["advantages"].get<std::vector<float>>();
      sample.values = s["old_values"].get<std::vector<float>>();
      sample.returns = s["returns"].get<std::vector<float>>();
      log_probs.push_back(s["log_probs"]);
      values.push_back(s["values"]);
      group.samples.push_back(std::move(sample));
    }
    const Outcome found =
        run(group, log_probs, values, token_weights({&group, 1}, {.loss_type = LossType::bnpo}), options);
    for (size_t i = 0; i < log_probs.size(); ++i) {
      const std::vector<double> policy = c["samples"][i]["log_prob_gradient"];
      const std::vector<double> value = c["samples"][i]["value_gradient"];
      for (size_t t = 0; t < policy.size(); ++t) {
        EXPECT_NEAR(found.log_prob[i][t], -policy[t], 3e-7 * std::abs(policy[t]) + 1e-12) << i << " " << t;
        EXPECT_NEAR(found.value[i][t], -value[t], 3e-7 * std::abs(value[t]) + 1e-12) << i << " " << t;
        clipped += value[t] == 0 && group.samples[i].is_sampled(t);
      }
    }
    Metrics metrics;
    add_update_metrics(found.sums, options, metrics);
    for (const auto& item : c["metrics"].items()) {
      const double value = item.value();
      EXPECT_NEAR(metric(metrics, item.key()), value, 1e-11 * std::abs(value) + 1e-13) << item.key();
    }
  }
  EXPECT_EQ(cases, 8);
  EXPECT_GT(clipped, 10);
}

Group one_sample() {
  Group group;
  Sample sample;
  sample.completion_ids.resize(5);
  sample.spans = {{0, 2, true}, {2, 3, false}, {3, 5, true}};
  sample.log_probs = {-1, -1, 0, -2, -0.5f};
  sample.advantages = {0.5f, -0.25f, 0, 1, -1};
  sample.values = {0.5f, 0.25f, 9, -1, 0};
  sample.returns = {1, 0, 9, -1.5f, 0.25f};
  group.samples = {sample};
  return group;
}
const Vectors kFresh = {{-1.125f, -0.5f, 0, -2.25f, -0.5f}};
const Vectors kValues = {{0.875f, 0.5f, 7, -1.125f, -0.5f}};  // the first and last moved by more than 0.2

// Catches: seeds that are not the derivative of the objective, in either argument.
TEST(ValueLoss, IsTheDerivativeOfTheObjective) {
  constexpr float step = 0x1p-12f;
  const CoefficientOptions options{.vf_coef = 0.5};
  const Group group = one_sample();
  const Outcome at = run(group, kFresh, kValues, {0.5}, options);
  for (size_t t = 0; t < 5; ++t)
    for (bool value : {false, true}) {
      Vectors log_probs = kFresh, values = kValues;
      float& x = value ? values[0][t] : log_probs[0][t];
      const float before = x;
      x = before + step;
      const double above = run(group, log_probs, values, {0.5}, options).sums.objective;
      x = before - step;
      const double below = run(group, log_probs, values, {0.5}, options).sums.objective;
      EXPECT_NEAR((value ? at.value : at.log_prob)[0][t], (above - below) / (2 * double{step}), 1e-7)
          << t << " " << value;
    }
  EXPECT_EQ(at.value[0][0], 0.0f);  // clipped: beyond the range and nearer to its return
  EXPECT_EQ(at.value[0][2], 0.0f);  // inserted
  EXPECT_NE(at.value[0][4], 0.0f);  // beyond the range and farther from its return: led back
  EXPECT_EQ(at.sums.value_clipped, 1);
}

// Catches: a policy part that differs from clipped_ratio's.
TEST(ValueLoss, WithoutWeightIsTheClippedRatio) {
  const CoefficientOptions options{.beta = 0, .vf_coef = 0};
  const Group group = one_sample();
  const Outcome found = run(group, kFresh, kValues, {0.5}, options);
  std::vector<float> seeds(5);
  const FreshSample fresh{kFresh[0], {}, {}};
  const SampleSeeds out{seeds, {}, {}};
  const double weight = 0.5;
  CoefficientSums sums;
  clipped_ratio(group, {&fresh, 1}, {&weight, 1}, options, {&out, 1}, sums);
  EXPECT_EQ(found.log_prob[0], seeds);
  EXPECT_EQ(found.sums.objective, sums.objective);
}

// Catches: a critic that trains towards returns or values that are not there.
TEST(ValueLoss, RefusesMissingValues) {
  const auto attempt = [](auto change) {
    Group group = one_sample();
    Vectors values = kValues;
    change(group.samples[0], values[0]);
    run(group, kFresh, values, {1}, {});
  };
  EXPECT_NO_THROW(attempt([](Sample&, std::vector<float>&) {}));
  EXPECT_THROW(attempt([](Sample& s, std::vector<float>&) { s.returns.clear(); }), Error);
  EXPECT_THROW(attempt([](Sample& s, std::vector<float>&) { s.values.pop_back(); }), Error);
  EXPECT_THROW(attempt([](Sample&, std::vector<float>& fresh) { fresh.clear(); }), Error);
}

}  // namespace
}  // namespace cohort
