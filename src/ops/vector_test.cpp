#include "ops/vector.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

Tensor line(std::vector<float>& x) { return {x.data(), {static_cast<int64_t>(x.size())}}; }

// Catches a float accumulation, a factor taken from the wrong buffer or block, and sums that depend on the
// team.
TEST(Vector, DotIsADoubleSum) {
  std::vector<float> x = normal(100003, 1), y = normal(100003, 2);
  x[5] = y[5] = 30000;
  double expected = 0;
  for (size_t i = 0; i < x.size(); ++i) expected += static_cast<double>(x[i]) * y[i];
  std::vector<double> results;
  expect_same_bits_everywhere([&] {
    results.push_back(dot(line(x), line(y)));
    return std::vector<float>{0};
  });
  for (const double r : results) {
    EXPECT_NEAR(r, expected, 1e-12 * expected);
    EXPECT_EQ(r, results[0]);
  }
}

// Catches a sum rounded twice, and results that change where z is one of the terms.
TEST(Vector, ScaledSumRoundsOnceAndMayOverwriteATerm) {
  std::vector<float> x = normal(50001, 3), y = normal(50001, 4), z(50001), over_x = x, over_y = y;
  const double a = 1.0 / 3;
  scaled_sum(line(x), a, line(y), line(z));
  scaled_sum(line(over_x), a, line(y), line(over_x));
  scaled_sum(line(x), a, line(over_y), line(over_y));
  for (size_t i = 0; i < z.size(); ++i)
    ASSERT_EQ(z[i], static_cast<float>(std::fma(a, static_cast<double>(y[i]), static_cast<double>(x[i]))))
        << i;
  EXPECT_TRUE(same_bits(z, over_x));
  EXPECT_TRUE(same_bits(z, over_y));
}

}  // namespace
}  // namespace cohort
