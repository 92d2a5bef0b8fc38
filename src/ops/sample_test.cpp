#include "ops/sample.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "ops/log_prob.h"
#include "ops/op_test.h"

namespace cohort {
namespace {

double uniform(uint32_t i) { return uniform53(5, Stream::sample, 0, 0, 0, i); }

// The probabilities after temperature, top-k, top-p, min-p, by sorting, in double.
std::vector<double> reference(const std::vector<float>& logits, const SamplingOptions& o) {
  const size_t n = logits.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  std::vector<double> p(n);
  const auto weight = [&](size_t i) {
    return std::exp((static_cast<double>(logits[i]) - logits[order[0]]) / o.temperature);
  };
  for (size_t i = 0; i < n; ++i) p[i] = weight(i);
  const auto total = [&] { return std::accumulate(p.begin(), p.end(), 0.0); };
  if (o.top_k > 0 && static_cast<size_t>(o.top_k) < n)
    for (size_t i = 0; i < n; ++i)
      if (logits[i] < logits[order[o.top_k - 1]]) p[i] = 0;
  if (o.top_p < 1) {
    const double all = total();
    double above = 0;
    for (size_t rank = 0; rank < n; ++rank) {
      const double own = p[order[rank]];
      if (above >= o.top_p * all) p[order[rank]] = 0;
      above += own;
    }
  }
  for (size_t i = 0; i < n; ++i)
    if (p[i] < o.min_p) p[i] = 0;
  const double all = total();
  for (double& x : p) x /= all;
  return p;
}

void expect_distribution(const std::vector<float>& logits, const SamplingOptions& o, int draws) {
  const std::vector<double> p = reference(logits, o);
  std::vector<int> counts(logits.size());
  const auto vocab = static_cast<int64_t>(logits.size());
  for (int i = 0; i < draws; ++i) {
    const Sampled s = sample_token(logits.data(), vocab, o, uniform(static_cast<uint32_t>(i)));
    ASSERT_GT(p[s.token], 0) << "token " << s.token << " is not in the kept set";
    ASSERT_NEAR(s.log_prob, std::log(p[s.token]), 1e-5);
    ++counts[s.token];
  }
  double chi2 = 0, rest = 0, rest_expected = 0;
  int bins = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * draws;
    if (expected < 8) {
      rest += counts[i];
      rest_expected += expected;
    } else {
      chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
      ++bins;
    }
  }
  if (rest_expected > 8) {
    chi2 += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
    ++bins;
  }
  ASSERT_GT(bins, 1);
  EXPECT_LT(chi2, bins - 1 + 4 * std::sqrt(2.0 * (bins - 1)) + 4);  // four standard deviations
}

// Catches draws that do not follow the distribution whose log-prob is recorded: a biased walk over chunks and
// blocks, a wrong filter, or a log-prob of the untruncated distribution.
TEST(Sample, FollowsTheDistribution) {
  const std::vector<float> small = normal(50, 1, 1.5), large = normal(9000, 2, 3);
  expect_distribution(small, {}, 20000);
  expect_distribution(large, {}, 5000);
  expect_distribution(small, {.temperature = 0.7f}, 20000);
  expect_distribution(small, {.temperature = 1.3f, .top_k = 10}, 20000);
  expect_distribution(small, {.top_p = 0.8f}, 20000);
  expect_distribution(small, {.min_p = 0.1f}, 20000);
  expect_distribution(large, {.temperature = 0.8f, .top_p = 0.9f, .top_k = 40, .min_p = 0.02f}, 5000);
}

// Catches a kept set one token too large or small: every kept token must be reachable, no other one.
TEST(Sample, KeptSetsAreExact) {
  struct Case {
    std::vector<float> logits;
    SamplingOptions o;
  };
  std::vector<Case> cases;
  for (const SamplingOptions& o :
       std::vector<SamplingOptions>{{.top_k = 1},
                                    {.top_k = 7},
                                    {.top_k = 5000},
                                    {.top_p = 0.5f},
                                    {.top_p = 0.95f},
                                    {.top_p = 1e-6f},
                                    {.min_p = 0.3f},
                                    {.min_p = 1.0f},
                                    {.temperature = 2, .top_p = 0.7f, .top_k = 20},
                                    {.temperature = 0.5f, .top_p = 0.9f, .top_k = 30, .min_p = 0.05f}})
    for (const int64_t vocab : {3, 64, 300, 5000})
      cases.push_back({normal(vocab, static_cast<uint32_t>(vocab), 2), o});
  for (const Case& c : cases) {
    const std::vector<double> p = reference(c.logits, c.o);
    const auto vocab = static_cast<int64_t>(c.logits.size());
    double cumulative = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      if (p[i] == 0) continue;
      const double u = cumulative + p[i] / 2;  // the middle of token i's interval
      if (p[i] > 1e-5) {
        EXPECT_EQ(sample_token(c.logits.data(), vocab, c.o, u).token, static_cast<int32_t>(i));
      }
      cumulative += p[i];
    }
    EXPECT_GT(p[sample_token(c.logits.data(), vocab, c.o, 0).token], 0);
    EXPECT_GT(p[sample_token(c.logits.data(), vocab, c.o, 1 - 0x1p-53).token], 0);
  }
}

// Catches ties broken otherwise: top-k keeps all equals of its last, top-p the lowest ids, greedy the lowest
// id.
TEST(Sample, Ties) {
  const std::vector<float> logits = {0, 1, 1, 1, 0, 1, -5, -5};
  const auto drawn = [&](const SamplingOptions& o) {
    std::set<int32_t> tokens;
    for (uint32_t i = 0; i < 2000; ++i) tokens.insert(sample_token(logits.data(), 8, o, uniform(i)).token);
    return tokens;
  };
  EXPECT_EQ(drawn({.top_k = 2}), (std::set<int32_t>{1, 2, 3, 5}));
  EXPECT_EQ(drawn({.top_p = 0.3f}), (std::set<int32_t>{1, 2}));
  EXPECT_EQ(drawn({.temperature = 0}), (std::set<int32_t>{1}));
  std::vector<float> many(20000, 3.0f);
  many[0] = 2;
  EXPECT_EQ(sample_token(many.data(), 20000, {.temperature = 0}, 0.9).token, 1);
  const Sampled half = sample_token(many.data(), 20000, {.top_p = 0.5f}, 1 - 0x1p-53);
  EXPECT_NEAR(half.token, 10000, 1);  // the lower half of equals
}

// Catches a recorded log-prob that training could not reproduce bit for bit.
TEST(Sample, LogProbIsTheTrainingHeads) {
  for (const int64_t vocab : {100, 5000}) {
    const std::vector<float> logits = normal(vocab, 3, 3);
    for (const float temperature : {1.0f, 0.7f, 0.0f})
      for (uint32_t i = 0; i < 50; ++i) {
        const Sampled s = sample_token(logits.data(), vocab, {.temperature = temperature}, uniform(i));
        const float inv = temperature == 0 ? 1.0f : 1.0f / temperature;
        const LogitStats stats = logit_stats(logits.data(), vocab, inv);
        EXPECT_EQ(s.log_prob, log_prob_of(logits[s.token], inv, stats.lse));
        EXPECT_EQ(s.entropy, stats.entropy);
      }
  }
}

// Catches draws of masked tokens at the ends of the interval, and an infinite or NaN logit that goes
// unnoticed.
TEST(Sample, MasksAndNan) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(10000, -infinity);
  logits[5000] = 2;
  logits[9001] = 2;
  for (const SamplingOptions& o :
       std::vector<SamplingOptions>{{}, {.top_p = 0.99f}, {.top_k = 3}, {.min_p = 0.5f}}) {
    EXPECT_EQ(sample_token(logits.data(), 10000, o, 0).token, 5000);
    EXPECT_EQ(sample_token(logits.data(), 10000, o, 1 - 0x1p-53).token, 9001);
    EXPECT_NEAR(sample_token(logits.data(), 10000, o, 0.3).log_prob, -std::log(2.0), 1e-6);
  }
  for (const float bad : {std::nanf(""), infinity}) {
    std::vector<float> broken = normal(100, 1);
    broken[40] = bad;
    EXPECT_THROW(sample_token(broken.data(), 100, {}, 0.5), Error);
    EXPECT_THROW(sample_token(broken.data(), 100, {.temperature = 0}, 0.5), Error);
    EXPECT_THROW(sample_token(broken.data(), 100, {.top_k = 5}, 0.5), Error);
  }
}

TEST(Sample, SameBitsEverywhere) {  // catches weights that follow the vector width
  const std::vector<float> logits = normal(30011, 1, 3);
  expect_same_bits_everywhere([&] {
    std::vector<float> results;
    for (uint32_t i = 0; i < 40; ++i)
      for (const SamplingOptions& o : std::vector<SamplingOptions>{
               {.temperature = 0.9f}, {.top_p = 0.9f}, {.top_k = 100, .min_p = 0.01f}}) {
        const Sampled s = sample_token(logits.data(), 30011, o, uniform(i));
        results.insert(results.end(), {static_cast<float>(s.token), s.log_prob, s.entropy});
      }
    return results;
  });
}

}  // namespace
}  // namespace cohort
