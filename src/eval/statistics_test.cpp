#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "base/philox.h"

namespace cohort {
namespace {

// Catches: a biased or unstable estimate. Every subset of k of n samples is enumerated.
TEST(PassAtK, EqualsEnumeration) {
  for (unsigned n = 1; n <= 9; ++n)
    for (unsigned c = 0; c <= n; ++c)
      for (unsigned k = 1; k <= n; ++k) {
        double right = 0, all = 0;
        for (uint32_t set = 0; set < (1u << n); ++set) {
          if (std::popcount(set) != static_cast<int>(k)) continue;
          ++all;
          right += (set & ((1u << c) - 1)) != 0;  // the first c samples are correct
        }
        EXPECT_NEAR(pass_at_k(n, c, k), right / all, 1e-14) << n << " " << c << " " << k;
      }
}

// Catches: factorials that overflow.
TEST(PassAtK, IsStableForManySamples) {
  EXPECT_EQ(pass_at_k(100000, 0, 50000), 0);
  EXPECT_EQ(pass_at_k(100000, 100000, 1), 1);
  EXPECT_NEAR(pass_at_k(100000, 1, 50000), 0.5, 1e-12);
  EXPECT_NEAR(pass_at_k(100000, 300, 1), 0.003, 1e-14);
}

// Catches: ties, abstentions or several right answers counted wrongly. Every subset is enumerated, leaders
// share.
TEST(MajAtK, EqualsEnumeration) {
  const char* answers[] = {"", "a", "b", "c", "d"};
  for (uint32_t round = 0; round < 40; ++round) {
    const unsigned n = 1 + round % 9;
    std::vector<Vote> votes;
    for (unsigned i = 0; i < n; ++i) {
      const auto a = static_cast<size_t>(uniform53(3, Stream::data, round, i, 0, 0) * 5);
      votes.push_back({answers[a], a == 1 || (a == 3 && round % 2 == 0)});
    }
    for (unsigned k = 1; k <= n; ++k) {
      double right = 0, all = 0;
      for (uint32_t set = 0; set < (1u << n); ++set) {
        if (std::popcount(set) != static_cast<int>(k)) continue;
        ++all;
        std::map<std::string, std::pair<int, bool>> count;
        int most = 0;
        for (unsigned i = 0; i < n; ++i)
          if ((set >> i & 1) && !votes[i].answer.empty()) {
            auto& one = count[votes[i].answer];
            one.second = votes[i].correct;
            most = std::max(most, ++one.first);
          }
        double leaders = 0, right_leaders = 0;
        for (const auto& [answer, one] : count)
          if (one.first == most) {
            ++leaders;
            right_leaders += one.second;
          }
        if (leaders > 0) right += right_leaders / leaders;
      }
      EXPECT_NEAR(maj_at_k(votes, k), right / all, 1e-13) << "round " << round << " k " << k;
    }
  }
}

// Catches: binomials that overflow at the largest size, or a cost that explodes there.
TEST(MajAtK, ManyVotes) {
  std::vector<Vote> votes;
  for (int i = 0; i < 1000; ++i) votes.push_back({i < 400 ? "right" : i < 790 ? "wrong" : "", i < 400});
  EXPECT_NEAR(maj_at_k(votes, 1000), 1, 1e-12);
  EXPECT_NEAR(maj_at_k(votes, 1), 0.4, 1e-12);
  // The difference of the two counts has mean 5 and variance 197.3: nearly normal.
  EXPECT_NEAR(maj_at_k(votes, 500), 0.6389, 1e-3);
}

// Catches: a wrong quantile or formula. 8 of 10: from Brown, Cai and DasGupta's formula by hand; 0 and 1
// touch their ends.
TEST(Wilson, KnownValues) {
  const Interval ten = wilson(0.8, 10);
  EXPECT_NEAR(ten.low, 0.490162, 1e-6);
  EXPECT_NEAR(ten.high, 0.943318, 1e-6);
  EXPECT_EQ(wilson(0, 20).low, 0);
  EXPECT_NEAR(wilson(0, 20).high, 0.161130, 1e-5);
  EXPECT_EQ(wilson(1, 20).high, 1);
  EXPECT_EQ(wilson(0, 0).low, 0);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

PromptResult prompt_of(int correct, int wrong) {
  PromptResult out;
  for (int i = 0; i < correct + wrong; ++i) {
    out.votes.push_back({i < correct ? "1" : "2", i < correct});
    out.lengths.push_back(i < correct ? 10 : 20);
  }
  return out;
}

// Catches: samples of one prompt treated as independent. Prompts that are always or never solved carry one
// sample's worth each; prompts with the same share as their samples scatter carry more.
TEST(Summary, IntervalIsClusteredByPrompt) {
  std::vector<PromptResult> all_or_nothing, mixed, single;
  for (int i = 0; i < 40; ++i) {
    all_or_nothing.push_back(i % 2 ? prompt_of(8, 0) : prompt_of(0, 8));
    mixed.push_back(i % 2 ? prompt_of(5, 3) : prompt_of(3, 5));
    single.push_back(i % 2 ? prompt_of(1, 0) : prompt_of(0, 1));
  }
  const EvalSummary a = summarize(all_or_nothing), m = summarize(mixed), s = summarize(single);
  EXPECT_EQ(a.accuracy, 0.5);
  EXPECT_EQ(a.samples, 320);
  EXPECT_NEAR(a.accuracy_interval.low, wilson(0.5, 40).low, 1e-12);
  EXPECT_NEAR(s.accuracy_interval.low, wilson(0.5, 40).low, 1e-12);
  EXPECT_NEAR(m.accuracy_interval.low, wilson(0.5, 320).low, 1e-12);
  EXPECT_EQ(a.mean_length, 15);
}

// Catches: samples that could not be computed in accuracy, prompts of different sizes, a wrong list of k.
TEST(Summary, PassAndMajByK) {
  std::vector<PromptResult> results = {prompt_of(2, 4), prompt_of(0, 6), prompt_of(7, 0), {}};
  results[3].uncomputed = 6;
  const EvalSummary s = summarize(results);
  EXPECT_EQ(s.prompts, 3);
  EXPECT_EQ(s.samples, 19);
  EXPECT_EQ(s.uncomputed, 6);
  EXPECT_NEAR(s.accuracy, (2 / 6. + 0 + 1) / 3, 1e-15);
  std::vector<int64_t> ks;
  for (const auto& [k, value] : s.pass_at) ks.push_back(k);
  EXPECT_EQ(ks, (std::vector<int64_t>{1, 2, 4, 6}));
  EXPECT_NEAR(s.pass_at[0].second, s.accuracy, 1e-15);
  EXPECT_NEAR(s.maj_at[0].second, s.accuracy, 1e-15);
  EXPECT_NEAR(s.pass_at[3].second, 2 / 3., 1e-15);
  EXPECT_NEAR(s.maj_at[3].second, 1 / 3., 1e-15);
  const EvalSummary none = summarize({});
  EXPECT_EQ(none.prompts, 0);
  EXPECT_EQ(none.accuracy_interval.high, 1);
}

// Catches: an unpaired difference, a sign turned round, intervals called apart that touch.
TEST(Compare, IsPaired) {
  std::vector<PromptResult> before, after;
  for (int i = 0; i < 100; ++i) {
    before.push_back(prompt_of(i % 4, 4 - i % 4));
    after.push_back(prompt_of(i % 4 + 1, 3 - i % 4));
  }
  const Comparison gain = compare(before, after);
  EXPECT_NEAR(gain.difference, 0.25, 1e-15);
  EXPECT_NEAR(gain.interval.low, 0.25, 1e-12);  // every prompt gained the same
  EXPECT_TRUE(gain.separate);
  EXPECT_NEAR(compare(after, before).difference, -0.25, 1e-15);
  EXPECT_FALSE(compare(before, before).separate);
  before.resize(5);
  after.resize(5);
  EXPECT_FALSE(compare(before, after).separate);
}

// Catches: prompts weighed alike where samples are asked for, and an interval that takes samples of one
// prompt for independent ones. With one sample each, or nothing to tell clusters apart, both shares are the
// same.
TEST(PooledShare, CountsSamples) {
  const Tally uneven[] = {{3, 3}, {0, 1}};
  EXPECT_DOUBLE_EQ(pooled_share(uneven).value, 0.75);
  EXPECT_DOUBLE_EQ(clustered_share(uneven).value, 0.5);
  const Tally even[] = {{1, 2}, {2, 2}, {0, 2}, {2, 2}};
  EXPECT_NEAR(pooled_share(even).interval.low, clustered_share(even).interval.low, 1e-12);
  EXPECT_NEAR(pooled_share(even).interval.high, clustered_share(even).interval.high, 1e-12);
  std::vector<Tally> together(10, Tally{8, 8}), apart;
  for (int i = 0; i < 10; ++i) together.push_back({0, 8});
  for (int i = 0; i < 160; ++i) apart.push_back({i % 2, 1});
  const auto width = [](const Share& s) { return s.interval.high - s.interval.low; };
  EXPECT_NEAR(width(pooled_share(apart)), width({0.5, wilson(0.5, 160)}), 1e-12);
  EXPECT_GT(width(pooled_share(together)), 2.5 * width(pooled_share(apart)));
  EXPECT_EQ(pooled_share({}).interval.high, 1.0);
}

}  // namespace
}  // namespace cohort
