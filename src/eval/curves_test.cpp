#include "eval/curves.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"

namespace cohort {
namespace {

PromptResult prompt_of(int correct, int wrong) {
  PromptResult out;
  for (int i = 0; i < correct + wrong; ++i) {
    out.votes.push_back({i < correct ? "1" : "2", i < correct});
    out.lengths.push_back(1);
  }
  return out;
}

double random(uint32_t a, uint32_t b) { return uniform53(11, Stream::data, a, b, 0, 0); }

// Catches: a curve at other k than the summary's, or with other values: two ways to one number.
TEST(Curves, AgreeWithTheSummary) {
  std::vector<PromptResult> results;
  for (int i = 0; i < 30; ++i) results.push_back(prompt_of(i % 7, 6 - i % 7));
  results.push_back({});
  const EvalSummary s = summarize(results);
  const Curves c = sampling_curves(results);
  ASSERT_EQ(c.pass.size(), s.pass_at.size());
  ASSERT_EQ(c.maj.size(), s.maj_at.size());
  for (size_t i = 0; i < c.pass.size(); ++i) {
    EXPECT_EQ(c.pass[i].k, s.pass_at[i].first);
    EXPECT_NEAR(c.pass[i].value, s.pass_at[i].second, 1e-14);
    EXPECT_NEAR(c.maj[i].value, s.maj_at[i].second, 1e-14);
    EXPECT_LT(c.pass[i].interval.low, c.pass[i].value);
    EXPECT_GT(c.pass[i].interval.high, c.pass[i].value);
  }
}

// Catches: random numbers that depend on call order or ignore the seed, and resamples that differ between
// columns.
TEST(Bootstrap, IsDeterministic) {
  std::vector<std::vector<double>> columns(2);
  for (uint32_t i = 0; i < 50; ++i) {
    columns[0].push_back(random(0, i));
    columns[1].push_back(1 - columns[0].back());
  }
  const auto a = bootstrap_means(columns, {0, 1}, {}), b = bootstrap_means(columns, {0, 1}, {});
  const auto other = bootstrap_means(columns, {0, 1}, {.seed = 43});
  EXPECT_EQ(a[0].low, b[0].low);
  EXPECT_EQ(a[1].high, b[1].high);
  EXPECT_NE(a[0].low, other[0].low);
  EXPECT_NEAR(a[0].low, other[0].low, 0.03);
  // One column is the other mirrored, on the same resamples.
  EXPECT_NEAR(a[1].low, 1 - a[0].high, 1e-12);
  EXPECT_NEAR(a[1].high, 1 - a[0].low, 1e-12);
}

// Catches: draws that cannot reach every problem, wrong quantiles, or a spread of the values in place of the
// mean's. Of two problems with values 0 and 1 the resampled mean is 0, 1/2, 1 with chances 1/4, 1/2, 1/4; of
// 400 values with variance 1/12 it is nearly normal.
TEST(Bootstrap, KnownIntervals) {
  const std::vector<std::vector<double>> two = {{0, 1}};
  EXPECT_EQ(bootstrap_means(two, {0, 1}, {})[0].low, 0);
  EXPECT_EQ(bootstrap_means(two, {0, 1}, {})[0].high, 1);
  std::vector<std::vector<double>> many(1);
  for (int i = 0; i < 400; ++i) many[0].push_back((i + 0.5) / 400);
  const Interval interval = bootstrap_means(many, {0, 1}, {.resamples = 4000})[0];
  const double half = 1.96 * std::sqrt(1 / 12.0 / 400);
  EXPECT_NEAR(interval.low, 0.5 - half, 0.003);
  EXPECT_NEAR(interval.high, 0.5 + half, 0.003);
  const std::vector<std::vector<double>> one = {{0.25}};
  EXPECT_EQ(bootstrap_means(one, {-1, 1}, {})[0].low, -1);
  EXPECT_EQ(bootstrap_means(one, {-1, 1}, {})[0].high, 1);
}

// Catches: intervals that are too narrow or too wide. Of 400 sets of 60 problems with 4 samples each, whose
// true pass@2 is known, the interval must hold it about 95 times in 100. (Three standard deviations of that
// count are 3.3 %, and the percentile bootstrap is known to fall a little short at this size.)
TEST(Bootstrap, CoversTheTruth) {
  int covered = 0;
  const double truth = 2.0 / 3;  // each problem's chance p is uniform: E[1 - (1-p)^2]
  for (uint32_t set = 0; set < 400; ++set) {
    std::vector<PromptResult> results;
    for (uint32_t i = 0; i < 60; ++i) {
      const double p = random(set + 1, i);
      int right = 0;
      for (uint32_t s = 0; s < 4; ++s) right += random(set + 1, 1000 + 4 * i + s) < p;
      results.push_back(prompt_of(right, 4 - right));
    }
    const CurvePoint point = sampling_curves(results, {.resamples = 300}).pass[1];
    covered += point.interval.low <= truth && truth <= point.interval.high;
  }
  EXPECT_GE(covered, 364);  // 91 %
  EXPECT_LE(covered, 396);  // 99 %
}

// Catches: an unpaired interval (each problem gains the same, so the paired one is a point), a sign turned
// round, problems counted in the wrong class or kept though one side could not be judged.
TEST(Changes, ArePaired) {
  std::vector<PromptResult> before, after;
  for (int i = 0; i < 40; ++i) {
    before.push_back(prompt_of(i % 4, 4 - i % 4));
    after.push_back(prompt_of(i % 4 + 1, 3 - i % 4));
  }
  CurveChanges gain = curve_changes(before, after);
  ASSERT_EQ(gain.pass.size(), 3u);
  EXPECT_NEAR(gain.pass[0].value, 0.25, 1e-14);
  EXPECT_NEAR(gain.pass[0].interval.low, 0.25, 1e-12);
  EXPECT_NEAR(gain.pass[0].interval.high, 0.25, 1e-12);
  EXPECT_GT(gain.maj[2].interval.high - gain.maj[2].interval.low, 0.01);
  EXPECT_EQ(gain.better, 40);
  EXPECT_NEAR(curve_changes(after, before).pass[0].value, -0.25, 1e-14);
  before[0].votes.clear();
  after[1] = before[1];
  std::swap(before[2], after[2]);
  gain = curve_changes(before, after);
  EXPECT_EQ(gain.better, 37);
  EXPECT_EQ(gain.worse, 1);
  EXPECT_EQ(gain.same, 1);
  EXPECT_EQ(curve_changes({}, {}).pass.size(), 0u);
}

// Catches: a change at a k that one side does not have.
TEST(Changes, AtCommonK) {
  const std::vector<PromptResult> before(3, prompt_of(1, 5)), after(3, prompt_of(2, 2));
  std::vector<int64_t> ks;
  for (const CurvePoint& p : curve_changes(before, after).maj) ks.push_back(p.k);
  EXPECT_EQ(ks, (std::vector<int64_t>{1, 2, 4}));
}

}  // namespace
}  // namespace cohort
