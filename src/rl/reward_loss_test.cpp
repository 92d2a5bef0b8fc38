#include "rl/reward_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"

namespace cohort {
namespace {

using Json = nlohmann::json;

Json fixture() {
  return Json::parse(read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/reward.json"));
}

void expect_near(double found, double expected, const char* what) {
  EXPECT_NEAR(found, expected, 1e-12 * std::abs(expected) + 1e-16) << what;
}

void expect_metrics(const RewardSums& sums, const Json& metrics) {
  const double judged = static_cast<double>(sums.judged);
  EXPECT_NEAR(static_cast<double>(sums.right) / judged, metrics["accuracy"].get<double>(),
              1e-7);  // TRL's is float32
  EXPECT_NEAR(sums.value / static_cast<double>(sums.values), metrics["mean_reward"].get<double>(), 1e-13);
  EXPECT_EQ(sums.value_min, metrics["min_reward"].get<double>());
  EXPECT_EQ(sums.value_max, metrics["max_reward"].get<double>());
  if (metrics.contains("margin")) {
    EXPECT_NEAR(sums.margin / judged, metrics["margin"].get<double>(), 1e-13);
  }
}

// Catches: a wrong sign, side, margin, centring or metric; the expectations are TRL's own code run in
// float64, with equal values and with margins of hundreds.
TEST(RewardLoss, PairsEqualTrl) {
  const Json all = fixture();
  int cases = 0;
  for (const Json& c : all["pairs"]) {
    SCOPED_TRACE(fmt::format("case {}", cases++));
    RewardSums sums;
    const double weight = 1 / static_cast<double>(c["pairs"].size());
    for (const Json& p : c["pairs"]) {
      const PairSeeds seeds =
          pairwise_loss(p["chosen"], p["rejected"], p["margin"], c["center"], weight, sums);
      EXPECT_NEAR(seeds.chosen, p["d_chosen"].get<double>(), 1e-12 * std::abs(seeds.chosen) + 1e-16);
      EXPECT_NEAR(seeds.rejected, p["d_rejected"].get<double>(), 1e-12 * std::abs(seeds.rejected) + 1e-16);
    }
    expect_near(sums.loss, c["loss"], "loss");
    expect_metrics(sums, c["metrics"]);
  }
  EXPECT_EQ(cases, 24);
}

// Catches: labels the wrong way round, soft labels rounded, and precision lost where the model is sure.
TEST(RewardLoss, LabelsEqualTorch) {
  const Json all = fixture();
  int cases = 0;
  for (const Json& c : all["labels"]) {
    SCOPED_TRACE(fmt::format("case {}", cases++));
    RewardSums sums;
    const double weight = 1 / static_cast<double>(c["values"].size());
    for (const Json& v : c["values"]) {
      const double seed = pointwise_loss(v["value"], v["label"], weight, sums);
      EXPECT_NEAR(seed, v["gradient"].get<double>(), 1e-9 * std::abs(seed) + 1e-16);
    }
    expect_near(sums.loss, c["loss"], "loss");
    expect_metrics(sums, c["metrics"]);
  }
  EXPECT_EQ(cases, 14);
}

// Catches: seeds that are not the derivative of the loss.
TEST(RewardLoss, SeedsAreDerivatives) {
  constexpr double h = 1e-5;
  const auto pair = [](double chosen, double rejected) {
    RewardSums sums;
    pairwise_loss(chosen, rejected, 0.3, 0.05, 0.7, sums);
    return sums.loss;
  };
  const auto label = [](double value) {
    RewardSums sums;
    pointwise_loss(value, 0.3, 0.7, sums);
    return sums.loss;
  };
  for (double a : {-2.0, 0.0, 1.5})
    for (double b : {-1.0, 0.25}) {
      RewardSums sums;
      const PairSeeds seeds = pairwise_loss(a, b, 0.3, 0.05, 0.7, sums);
      EXPECT_NEAR(seeds.chosen, (pair(a + h, b) - pair(a - h, b)) / (2 * h), 1e-9);
      EXPECT_NEAR(seeds.rejected, (pair(a, b + h) - pair(a, b - h)) / (2 * h), 1e-9);
      EXPECT_NEAR(pointwise_loss(a, 0.3, 0.7, sums), (label(a + h) - label(a - h)) / (2 * h), 1e-9);
    }
}

// Catches: values that a diverging model gives turned into NaN, and the loss of a sure and right value lost
// to 0.
TEST(RewardLoss, WideValuesAreFinite) {
  RewardSums sums;
  EXPECT_NEAR(pointwise_loss(-40, 0, 1, sums), std::exp(-40.0), 1e-30);
  EXPECT_NEAR(sums.loss, std::exp(-40.0), 1e-30);
  EXPECT_EQ(pointwise_loss(1e30, 1, 1, sums), 0.0);
  EXPECT_EQ(pointwise_loss(1e30, 0, 1, sums), 1.0);
  const PairSeeds seeds = pairwise_loss(-1e30, 1e30, 0, 0, 1, sums);
  EXPECT_EQ(seeds.chosen, -1.0);
  EXPECT_EQ(seeds.rejected, 1.0);
  EXPECT_TRUE(std::isfinite(sums.loss));
}

}  // namespace
}  // namespace cohort
