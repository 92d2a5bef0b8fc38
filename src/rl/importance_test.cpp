#include "rl/importance.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "rl/coefficient_test_support.h"

namespace cohort {
namespace {

using nlohmann::json;

std::optional<double> bound(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
}

Sample sample_of(const std::vector<float>& log_probs, const std::vector<float>& sampler) {
  Sample s;
  s.completion_ids.assign(log_probs.size(), 1);
  s.log_probs = log_probs;
  s.sampler_log_probs = sampler;
  return s;
}

// Catches: another ratio, level, bound or treatment out of bounds than TRL's own lines have.
TEST(Importance, WeightsAreTrls) {
  const json fixture =
      json::parse(read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/importance.json"));
  const std::map<std::string, ImportanceMode> modes{{"token_truncate", ImportanceMode::token_truncate},
                                                    {"token_mask", ImportanceMode::token_mask},
                                                    {"sequence_truncate", ImportanceMode::sequence_truncate},
                                                    {"sequence_mask", ImportanceMode::sequence_mask}};
  ASSERT_GE(fixture["cases"].size(), 14u);
  for (const json& c : fixture["cases"])
    for (size_t i = 0; i < fixture["log_probs"].size(); ++i) {
      Sample s = sample_of(fixture["log_probs"][i], fixture["sampler_log_probs"][i]);
      write_importance_weights({modes.at(c["mode"]), bound(c["clip_max"]), bound(c["clip_min"])}, s);
      ASSERT_EQ(s.importance_weights.size(), c["weights"][i].size());
      for (size_t t = 0; t < s.importance_weights.size(); ++t) {
        const double expected = c["weights"][i][t];
        EXPECT_NEAR(s.importance_weights[t], expected, 1e-6 * expected) << c["mode"] << " " << i << " " << t;
      }
    }
}

// Catches: inserted tokens in the completion's ratio.
TEST(Importance, InsertedTokensTakeNoPart) {
  Sample s = sample_of({-1, -5, -1}, {-1.5f, 0, -1});
  s.spans = {{0, 1, true}, {1, 2, false}, {2, 3, true}};
  write_importance_weights({ImportanceMode::sequence_truncate, std::nullopt, std::nullopt}, s);
  for (float weight : s.importance_weights) EXPECT_NEAR(weight, std::exp(0.5), 1e-6);
  const Group group{{s}};
  for (const auto& [name, value] : importance_metrics({}, std::span(&group, 1))) {
    const double expected = name.ends_with("difference/mean")  ? 0.25
                            : name.ends_with("difference/max") ? 0.5
                                                               : std::exp(0.5);
    EXPECT_NEAR(value, expected, 1e-6) << name;
  }
}

// Catches: a weight on the KL term, or on the value and not on the slope. min(r A, clip(r) A) is linear in A,
// so a weight on the policy term is one on the advantage.
TEST(Importance, TheCoefficientWeighsThePolicyTermAlone) {
  Sample s = sample_of({-1.0f, -0.5f, -2.0f}, {-1.0f, -0.5f, -2.0f});
  s.ref_log_probs = {-1.1f, -0.7f, -1.5f};
  s.advantages = {0.8f};
  CoefficientOptions options;
  options.beta = 0.1;
  const Vectors fresh{{-0.9f, -0.8f, -1.6f}};
  Sample weighed = s, scaled = s;
  weighed.importance_weights = {0.5f, 0.5f, 0.5f};
  scaled.advantages = {0.4f};
  const Outcome a = run(clipped_ratio, Group{{weighed}}, fresh, {0.25}, options);
  const Outcome b = run(clipped_ratio, Group{{scaled}}, fresh, {0.25}, options);
  EXPECT_NEAR(a.sums.objective, b.sums.objective, 1e-9);
  for (size_t t = 0; t < 3; ++t) EXPECT_NEAR(a.seeds[0][t], b.seeds[0][t], 1e-7) << t;
  EXPECT_GT(std::fabs(a.seeds[0][1] - run(clipped_ratio, Group{{s}}, fresh, {0.25}, options).seeds[0][1]),
            1e-3);
}

}  // namespace
}  // namespace cohort
