#include "ops/adamw.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

Tensor line(std::vector<float>& v) { return Tensor(v.data(), {static_cast<int64_t>(v.size())}); }

// Catches coupled instead of decoupled decay, a missing bias correction, epsilon inside the root, or a step
// that counts from 0.
TEST(AdamW, TenStepsMatchTheReference) {
  const AdamWOptions o{
      .learning_rate = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.1};
  constexpr int64_t n = 1003;
  std::vector<float> w = normal(n, 1), m(n), v(n);
  std::vector<double> rw = doubles(w), rm(n), rv(n);
  for (int step = 1; step <= 10; ++step) {
    std::vector<float> g = normal(n, 10 + static_cast<uint32_t>(step), 0.1);
    adamw(line(w), line(g), line(m), line(v), o, step, 0.5);
    for (int64_t i = 0; i < n; ++i) {
      const double d = 0.5 * g[i];
      rw[i] *= 1 - o.learning_rate * o.weight_decay;
      rm[i] = o.beta1 * rm[i] + (1 - o.beta1) * d;
      rv[i] = o.beta2 * rv[i] + (1 - o.beta2) * d * d;
      rw[i] -= o.learning_rate * (rm[i] / (1 - std::pow(o.beta1, step))) /
               (std::sqrt(rv[i] / (1 - std::pow(o.beta2, step))) + o.epsilon);
    }
  }
  EXPECT_LT(relative_error(w, rw), 1e-6);
  EXPECT_LT(relative_error(m, rm), 1e-6);
  EXPECT_LT(relative_error(v, rv), 1e-6);
}

// Catches results that depend on how the parameters are cut (tensors or one flat buffer), or on threads.
TEST(AdamW, SameBitsEverywhere) {
  const AdamWOptions o{.learning_rate = 1e-3, .weight_decay = 0.01};
  constexpr int64_t n = 70001;
  std::vector<float> g = normal(n, 2);
  expect_same_bits_everywhere([&] {
    std::vector<float> w = normal(n, 1), m(n), v(n);
    adamw(line(w), line(g), line(m), line(v), o, 1, 1);
    adamw(line(w), line(g), line(m), line(v), o, 2, 1);
    return w;
  });
  std::vector<float> w = normal(n, 1), m(n), v(n), w2 = w, m2 = m, v2 = v;
  adamw(line(w), line(g), line(m), line(v), o, 3, 1);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 13}, {13, 50000}, {50000, n}})
    adamw(line(w2).slice(begin, end), line(g).slice(begin, end), line(m2).slice(begin, end),
          line(v2).slice(begin, end), o, 3, 1);
  EXPECT_TRUE(same_bits(w, w2));
}

// Catches a float accumulation (which loses small terms) and sums that depend on the team.
TEST(AdamW, SumOfSquaresIsADoubleSum) {
  std::vector<float> x = normal(100003, 1);
  x[5] = 30000;
  double expected = 0;
  for (const float value : x) expected += static_cast<double>(value) * value;
  std::vector<double> results;
  expect_same_bits_everywhere([&] {
    results.push_back(sum_of_squares(line(x)));
    return std::vector<float>{0};
  });
  for (const double r : results) {
    EXPECT_NEAR(r, expected, 1e-12 * expected);
    EXPECT_EQ(r, results[0]);
  }
}

TEST(AdamW, RefusesStepZero) {  // catches a division by 1 - beta^0 = 0
  std::vector<float> x(3);
  EXPECT_THROW(adamw(line(x), line(x), line(x), line(x), {}, 0, 1), Error);
}

}  // namespace
}  // namespace cohort
