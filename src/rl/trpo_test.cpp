// The surrogate as a coefficient rule; the update itself is tested on a model in tests/trpo_test.cpp.
#include "rl/trpo.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "rl/coefficient_test_support.h"

namespace cohort {
namespace {

// Log-probs lie on a grid of 2^-10, so that float holds steps of 2^-12 exactly.
float grid(uint32_t what, uint32_t i, uint32_t t) {
  return static_cast<float>(std::round(2048 * (uniform53(7, Stream::data, what, 0, i, t) - 0.5)) / 1024);
}

struct Case {
  Group group;
  Vectors fresh;
  std::vector<double> weights;
};
// Three completions: the second with an advantage for each token, the third with an inserted token.
Case three() {
  Case c;
  for (uint32_t i = 0; i < 3; ++i) {
    Sample s;
    s.completion_ids.resize(4);
    std::vector<float>& fresh = c.fresh.emplace_back();
    for (uint32_t t = 0; t < 4; ++t) {
      s.log_probs.push_back(grid(0, i, t) - 2);
      fresh.push_back(grid(1, i, t) - 2);
      if (i == 1 || t == 0) s.advantages.push_back(grid(2, i, t));
    }
    if (i == 2) s.spans = {{0, 1, true}, {1, 2, false}, {2, 4, true}};
    c.weights.push_back(0.1 * (i + 1));
    c.group.samples.push_back(s);
  }
  return c;
}

// Catches: a seed that is not the derivative of the objective, an inserted token that has one, a KL of the
// wrong direction (its samples are the old policy's) or sign.
TEST(Surrogate, SeedsAreTheDerivativeAndKlIsThatOfTheOldPolicy) {
  const Case c = three();
  const Outcome found = run(surrogate, c.group, c.fresh, c.weights, {});
  double kl = 0;
  for (size_t i = 0; i < 3; ++i)
    for (size_t t = 0; t < 4; ++t) {
      Vectors above = c.fresh, below = c.fresh;
      above[i][t] += 0x1p-12f;
      below[i][t] -= 0x1p-12f;
      const double slope = (run(surrogate, c.group, above, c.weights, {}).sums.objective -
                            run(surrogate, c.group, below, c.weights, {}).sums.objective) /
                           0x1p-11;
      EXPECT_NEAR(found.seeds[i][t], slope, 1e-6) << i << " " << t;
      const bool inserted = i == 2 && t == 1;
      EXPECT_EQ(found.seeds[i][t] == 0, inserted || c.group.samples[i].advantages[i == 1 ? t : 0] == 0);
      const double old = c.group.samples[i].log_probs[t], log_ratio = c.fresh[i][t] - old;
      if (!inserted) kl += std::exp(log_ratio) - 1 - log_ratio;
    }
  EXPECT_NEAR(found.sums.kl, kl, 1e-12);
  EXPECT_EQ(found.sums.tokens, 11);
}

// Catches: rounding where the policy has not moved; a KL that is not exactly 0 there.
TEST(Surrogate, OnPolicyIsExact) {
  Case c = three();
  for (size_t i = 0; i < 3; ++i) c.fresh[i] = c.group.samples[i].log_probs;
  const Outcome found = run(surrogate, c.group, c.fresh, c.weights, {});
  for (size_t i = 0; i < 3; ++i)
    for (size_t t = 0; t < 4; ++t) {
      const Sample& s = c.group.samples[i];
      const double advantage = s.advantages[i == 1 ? t : 0];
      EXPECT_EQ(found.seeds[i][t], s.is_sampled(t) ? static_cast<float>(c.weights[i] * advantage) : 0.0f);
    }
  EXPECT_EQ(found.sums.kl, 0.0);
}

}  // namespace
}  // namespace cohort
