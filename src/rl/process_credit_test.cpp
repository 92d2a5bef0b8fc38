#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "rl/credit.h"

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const std::string kFixture = std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/credit/credit.json";

Sample sample_of(size_t length, std::vector<StepReward> steps) {
  Sample sample;
  sample.completion_ids.resize(length);
  sample.steps = std::move(steps);
  return sample;
}

ScaleRewards scale_of(const std::string& name) {
  return name == "group" ? ScaleRewards::group : name == "batch" ? ScaleRewards::batch : ScaleRewards::none;
}

// Catches: steps normalised sample by sample, a step's reward given to its own tokens alone or to those
// behind it, the step's last token left out (end >= t for end > t), NaN in the mean.
TEST(ProcessCredit, EqualsItsFormula) {
  const nlohmann::json fixture = nlohmann::json::parse(read_file(kFixture));
  int cases = 0;
  for (const auto& c : fixture["process"]) {
    ++cases;
    SCOPED_TRACE(c.dump());
    std::vector<Group> groups;
    for (const auto& s : c["samples"]) {
      if (groups.empty() || groups.back().samples.size() == c["num_generations"]) groups.emplace_back();
      std::vector<StepReward> steps;
      for (size_t j = 0; j < s["ends"].size(); ++j)
        steps.push_back({s["ends"][j], s["rewards"][j].is_null() ? kNan : s["rewards"][j].get<double>()});
      groups.back().samples.push_back(sample_of(s["length"], steps));
    }
    CreditOptions options;
    options.scale_rewards = scale_of(c["scale_rewards"]);
    process_advantages(groups, options);
    size_t i = 0;
    for (const Group& group : groups)
      for (const Sample& sample : group.samples) {
        const auto expected = c["samples"][i++]["advantages"].get<std::vector<double>>();
        if (sample.steps.empty()) {
          EXPECT_EQ(sample.advantages, std::vector<float>{0.0f});
          continue;
        }
        ASSERT_EQ(sample.advantages.size(), expected.size());
        for (size_t t = 0; t < expected.size(); ++t)
          EXPECT_NEAR(sample.advantages[t], expected[t], 1e-6 * std::abs(expected[t]) + 1e-11);
      }
  }
  EXPECT_EQ(cases, 6);
}

// Catches: process supervision with one step a completion that differs from outcome supervision in a single
// bit.
TEST(ProcessCredit, OneStepIsOutcomeSupervision) {
  for (ScaleRewards scale : {ScaleRewards::group, ScaleRewards::batch, ScaleRewards::none}) {
    std::vector<Group> groups(2);
    const double rewards[] = {0.3, 1, kNan, 0.1, 0.7, 0.7, 0, 0.2};
    for (size_t i = 0; i < 8; ++i) {
      Sample& sample = groups[i / 4].samples.emplace_back(sample_of(i + 1, {}));
      sample.reward = rewards[i];
      sample.steps = {{static_cast<int32_t>(i + 1), rewards[i]}};
    }
    std::vector<Group> outcome = groups;
    CreditOptions options;
    options.scale_rewards = scale;
    process_advantages(groups, options);
    group_advantages(outcome, options);
    for (size_t i = 0; i < 8; ++i)
      EXPECT_EQ(groups[i / 4].samples[i % 4].advantages,
                std::vector<float>(i + 1, outcome[i / 4].samples[i % 4].advantages[0]));
  }
}

// Catches: rounding noise of the mean divided by 1e-4, one step compared with nothing, credit on inserted
// tokens, steps out of order taken silently.
TEST(ProcessCredit, Edges) {
  std::vector<Group> groups(2);
  groups[0].samples = {sample_of(4, {{2, 0.1}, {4, 0.1}}), sample_of(2, {{2, 0.1}})};
  groups[1].samples = {sample_of(3, {{3, 1}}), sample_of(3, {{1, kNan}, {3, kNan}})};
  process_advantages(groups, {});
  for (const Group& group : groups)
    for (const Sample& sample : group.samples)
      for (float a : sample.advantages) EXPECT_EQ(a, 0.0f);

  groups = std::vector<Group>(1);
  groups[0].samples = {sample_of(4, {{4, 1}}), sample_of(0, {}), sample_of(2, {{2, 0}})};
  groups[0].samples[0].spans = {{0, 1, true}, {1, 3, false}, {3, 4, true}};
  CreditOptions options;
  options.scale_rewards = ScaleRewards::none;
  process_advantages(groups, options);
  EXPECT_EQ(groups[0].samples[0].advantages, (std::vector<float>{0.5, 0, 0, 0.5}));
  EXPECT_EQ(groups[0].samples[1].advantages, (std::vector<float>{0}));
  EXPECT_EQ(groups[0].samples[2].advantages, (std::vector<float>{-0.5, -0.5}));

  groups[0].samples[2].steps = {{2, 0}, {1, 1}};
  EXPECT_THROW(process_advantages(groups, {}), Error);
  groups[0].samples[2].steps = {{3, 0}};
  EXPECT_THROW(process_advantages(groups, {}), Error);
}

}  // namespace
}  // namespace cohort
