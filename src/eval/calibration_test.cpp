#include "eval/calibration.h"

#include <gtest/gtest.h>

namespace cohort {
namespace {

// Catches: bins of wrong edges (0 and 1 included), means that are sums, and an error weighted by bins instead
// of by predictions. Expected: (|0 - 0.1| + 2 |0.5 - 0.975| + |1 - 0.55|) / 4.
TEST(Calibration, TableAndError) {
  const Prediction predictions[] = {{0.1, 0}, {0.95, 1}, {1.0, 0}, {0.55, 1}};
  const Calibration c = calibrate(predictions);
  ASSERT_EQ(c.bins.size(), 3u);
  EXPECT_EQ(c.bins[0].low, 0.1);
  EXPECT_EQ(c.bins[0].count, 1);
  EXPECT_EQ(c.bins[1].low, 0.5);
  EXPECT_EQ(c.bins[2].high, 1.0);
  EXPECT_EQ(c.bins[2].count, 2);
  EXPECT_DOUBLE_EQ(c.bins[2].predicted, 0.975);
  EXPECT_DOUBLE_EQ(c.bins[2].observed, 0.5);
  EXPECT_NEAR(c.expected_calibration_error, (0.1 + 0.95 + 0.45) / 4, 1e-12);
  EXPECT_EQ(calibrate({}).expected_calibration_error, 0.0);
  const Prediction perfect[] = {{0.0, 0}, {0.75, 1}, {0.75, 0.5}};
  EXPECT_NEAR(calibrate(perfect).expected_calibration_error, 0, 1e-12);
}

}  // namespace
}  // namespace cohort
