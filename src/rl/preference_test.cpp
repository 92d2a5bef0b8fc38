#include "rl/preference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "rl/metrics.h"
#include "rl/sample_test_support.h"

namespace cohort {
namespace {

using Vectors = std::vector<std::vector<float>>;

struct Outcome {
  Vectors seeds;
  CoefficientSums sums;
};

void run(const Group& pair, const Vectors& fresh, double weight, const CoefficientOptions& options,
         Outcome& out) {
  const size_t first = out.seeds.size();
  std::vector<FreshSample> fresh_spans;
  std::vector<SampleSeeds> seed_spans;
  for (const auto& f : fresh) out.seeds.emplace_back(f.size(), NAN);
  for (size_t i = 0; i < fresh.size(); ++i) {
    fresh_spans.push_back({fresh[i], {}, {}});
    seed_spans.push_back({out.seeds[first + i], {}, {}});
  }
  const std::vector<double> weights(fresh.size(), weight);
  preference(pair, fresh_spans, weights, options, seed_spans, out.sums);
}

Sample sample_of(std::vector<float> ref, float advantage) {
  Sample sample;
  sample.completion_ids.resize(ref.size());
  sample.ref_log_probs = std::move(ref);
  sample.advantages = {advantage};
  return sample;
}

// Catches: a wrong sign, side, temperature, smoothing, weight or metric; the expectations are TRL's own code
// run in float64, at the reference, near it, and with margins of hundreds.
TEST(Preference, LossGradientAndMetricsEqualTrl) {
  const nlohmann::json fixture =
      nlohmann::json::parse(read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/rl/preference.json"));
  int cases = 0;
  double widest = 0;
  for (const auto& c : fixture["cases"]) {
    SCOPED_TRACE(fmt::format("case {}", cases++));
    CoefficientOptions options;
    options.beta = c["beta"];
    options.label_smoothing = c["label_smoothing"];
    Outcome found;
    Vectors expected;
    std::vector<Group> pairs(c["pairs"].size());
    const double weight = 1 / static_cast<double>(pairs.size());
    for (size_t p = 0; p < pairs.size(); ++p) {
      // The sign of the advantage says which is which, not the order.
      const bool chosen_first = p % 2 == 0;
      Vectors fresh;
      for (const char* side : {chosen_first ? "chosen" : "rejected", chosen_first ? "rejected" : "chosen"}) {
        const auto& s = c["pairs"][p][side];
        Sample sample = sample_of(s["ref_log_probs"], side[0] == 'c' ? 1.0f : -1.0f);
        sample.spans = spans_of(s["sampled"]);
        fresh.push_back(s["log_probs"]);
        expected.push_back(s["gradient"]);
        pairs[p].samples.push_back(std::move(sample));
      }
      run(pairs[p], fresh, weight, options, found);
    }
    ASSERT_EQ(found.seeds.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      for (size_t t = 0; t < expected[i].size(); ++t)
        EXPECT_NEAR(found.seeds[i][t], -expected[i][t], 3e-7 * std::abs(expected[i][t]) + 1e-30)
            << i << " " << t;
    Metrics metrics;
    add_update_metrics(found.sums, options, metrics);
    const double loss = c["loss"];
    EXPECT_NEAR(metric(metrics, "loss"), loss, 1e-12 * std::abs(loss));
    for (const auto& item : c["metrics"].items()) {
      const double value = item.value();
      EXPECT_NEAR(metric(metrics, item.key()), value, 1e-12 * std::abs(value)) << item.key();
    }
    widest = std::max(widest, std::abs(found.sums.margin));
  }
  EXPECT_EQ(cases, 18);
  EXPECT_GT(widest, 100);
}

// Catches: seeds that are not the derivative of the objective. Log-probs lie on a grid that float holds
// exactly.
TEST(Preference, IsTheDerivativeOfTheObjective) {
  constexpr float step = 0x1p-12f;
  for (double beta : {0.1, 2.0})
    for (double smoothing : {0.0, 0.25}) {
      CoefficientOptions options;
      options.beta = beta;
      options.label_smoothing = smoothing;
      Group pair{{sample_of({-1, -2, -0.5f}, 1), sample_of({-1.5f, -0.25f}, -1)}};
      pair.samples[0].spans = {{0, 1, true}, {1, 2, false}, {2, 3, true}};
      const Vectors fresh = {{-0.75f, -3, -1}, {-1.25f, -0.5f}};
      Outcome at;
      run(pair, fresh, 0.5, options, at);
      for (size_t i = 0; i < 2; ++i)
        for (size_t t = 0; t < fresh[i].size(); ++t) {
          Outcome above, below;
          Vectors moved = fresh;
          moved[i][t] = fresh[i][t] + step;
          run(pair, moved, 0.5, options, above);
          moved[i][t] = fresh[i][t] - step;
          run(pair, moved, 0.5, options, below);
          EXPECT_NEAR(at.seeds[i][t], (above.sums.objective - below.sums.objective) / (2 * double{step}),
                      1e-7);
        }
      EXPECT_EQ(at.seeds[0][1], 0.0f);
      EXPECT_NE(at.seeds[0][0], 0.0f);
    }
}

// Catches: a log-sigmoid that overflows, becomes NaN, or loses the small numbers of a wide margin.
TEST(Preference, WideMarginsAreFinite) {
  for (double smoothing : {0.0, 0.1})
    for (float margin : {1e30f, 1e4f, 40.0f, -40.0f, -1e4f, -1e30f}) {
      CoefficientOptions options;
      options.beta = 1;
      options.label_smoothing = smoothing;
      Outcome found;
      run(Group{{sample_of({0}, 1), sample_of({0}, -1)}}, {{margin}, {0}}, 1, options, found);
      const double m = double{margin};
      // log sigma(40) = -exp(-40) to 17 digits.
      const double expected = m < 0 ? m * (1 - smoothing) : -smoothing * m - (m == 40 ? std::exp(-40.0) : 0);
      EXPECT_NEAR(found.sums.objective, expected, 1e-13 * std::abs(expected)) << margin << " " << smoothing;
      EXPECT_EQ(found.seeds[0][0], -found.seeds[1][0]);
      const double slope = m < 0 ? 1 - smoothing : (m == 40 ? std::exp(-40.0) : 0) - smoothing;
      EXPECT_NEAR(found.seeds[0][0], slope, 1e-7 * std::abs(slope)) << margin << " " << smoothing;
    }
}

// Catches: learning from pairs that lack something instead of stopping.
TEST(Preference, RefusesWhatIsNoPair) {
  const CoefficientOptions options{.beta = 0.1};
  const Vectors fresh = {{-1}, {-2}};
  const auto attempt = [&](const Group& group) {
    Outcome out;
    run(group, fresh, 1, options, out);
  };
  EXPECT_NO_THROW(attempt({{sample_of({-1}, 1), sample_of({-1}, -1)}}));
  EXPECT_THROW(attempt({{sample_of({-1}, 1), sample_of({-1}, 1)}}), Error);
  EXPECT_THROW(attempt({{sample_of({-1}, 0.5f), sample_of({-1}, -0.5f)}}), Error);
  Group no_reference{{sample_of({-1}, 1), sample_of({-1}, -1)}};
  no_reference.samples[1].ref_log_probs.clear();
  EXPECT_THROW(attempt(no_reference), Error);
  Outcome three;
  EXPECT_THROW(run(Group{{sample_of({-1}, 1), sample_of({-1}, -1), sample_of({-1}, -1)}}, {{-1}, {-1}, {-1}},
                   1, options, three),
               Error);
}

}  // namespace
}  // namespace cohort
