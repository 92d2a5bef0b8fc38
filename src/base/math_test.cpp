#include "base/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/philox.h"

namespace cohort {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Distance in units of the last place of the reference, which is computed in long double.
double ulps(double value, long double reference) {
  if (std::isnan(value) || std::isinf(value)) return static_cast<double>(reference) == value ? 0 : 1e9;
  const double rounded = static_cast<double>(reference);
  const double unit = std::nextafter(std::fabs(rounded), kInfinity) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(value) - reference)) / unit;
}

// A reproducible double in [low, high).
double number(uint32_t i, double low, double high) {
  return low + (high - low) * uniform53(7, Stream::data, 0, 0, 0, i);
}

// Catches a wrong coefficient, a lost reduction term, or overflow and underflow handled wrongly.
TEST(Math, ExpIsWithinTwoUlp) {
  double worst = 0;
  for (uint32_t i = 0; i < 200000; ++i) {
    const double x = i % 2 ? number(i, -745, 709.7) : number(i, -2, 2);
    worst = std::max(worst, ulps(exp(x), expl(x)));
  }
  EXPECT_LE(worst, 1.5);
  EXPECT_EQ(exp(0.0), 1.0);
  EXPECT_EQ(exp(-kInfinity), 0.0);
  EXPECT_EQ(exp(710.0), kInfinity);
  EXPECT_EQ(exp(-746.0), 0.0);
  EXPECT_TRUE(std::isnan(exp(std::nan(""))));
}

// Catches cancellation near 1 and errors in splitting off the exponent (subnormals included).
TEST(Math, LogIsWithinTwoUlp) {
  double worst = 0;
  for (uint32_t i = 0; i < 200000; ++i) {
    double x = i % 3 == 0   ? number(i, 0.5, 2)
               : i % 3 == 1 ? number(i, 0, 1e6)
                            : std::ldexp(number(i, 0.5, 1), int(i % 2100) - 1073);
    if (x == 0) continue;
    worst = std::max(worst, ulps(log(x), logl(x)));
  }
  for (double x : {1.0 + 0x1p-52, 1.0 - 0x1p-53, 1.0 + 1e-10, 0x1.6a09e667f3bccp-1, 0x1.6a09e667f3bcdp-1,
                   0x1.6a09e667f3bcdp+0, 5e-324})
    worst = std::max(worst, ulps(log(x), logl(x)));
  EXPECT_LE(worst, 1.5);
  EXPECT_EQ(log(1.0), 0.0);
  EXPECT_EQ(log(0.0), -kInfinity);
  EXPECT_EQ(log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(log(-1.0)));
}

// Catches a logarithm of only double precision inside pow, which large exponents would multiply.
TEST(Math, PowIsWithinOneUlp) {
  double worst = 0;
  for (uint32_t i = 0; i < 50000; ++i) {
    const double x = i % 2 ? number(i, 0.001, 5) : number(i, 1, 1e6);
    const double y = number(i + 1000000, -50, 50);
    worst = std::max(worst, ulps(pow(x, y), powl(x, y)));
  }
  for (int i = 0; i < 64; ++i) {
    worst = std::max(worst, ulps(pow(500000.0, i / 64.0), powl(500000.0L, i / 64.0L)));
    worst = std::max(worst, ulps(pow(0.999, i * 1000), powl(0.999, i * 1000)));
  }
  EXPECT_LE(worst, 1.0);
  EXPECT_EQ(pow(2.0, 10), 1024.0);
  EXPECT_EQ(pow(0.9, 0), 1.0);
  EXPECT_EQ(pow(0.9, 1), 0.9);
  EXPECT_EQ(pow(10.0, 400), kInfinity);
  EXPECT_EQ(pow(10.0, -400), 0.0);
  EXPECT_THROW(pow(-1.0, 2), Error);
  EXPECT_THROW(pow(0.0, 2), Error);
}

// Catches a reduction that loses the low part of k * pi/2: large angles, and angles next to multiples of
// pi/2.
TEST(Math, SinAndCosAreWithinTwoUlp) {
  double worst = 0;
  auto check = [&](double x) { worst = std::max({worst, ulps(sin(x), sinl(x)), ulps(cos(x), cosl(x))}); };
  for (uint32_t i = 0; i < 200000; ++i) check(i % 2 ? number(i, -1e6, 1e6) : number(i, -7, 7));
  for (int i = 0; i < 20000; ++i) check(i);
  for (int k = -300000; k <= 600000; k += 997) check(k * 1.5707963267948966);
  check(0x1p23);
  check(1e-300);
  EXPECT_LE(worst, 1.5);
  EXPECT_EQ(sin(0.0), 0.0);
  EXPECT_EQ(cos(0.0), 1.0);
  EXPECT_THROW(sin(1e9), Error);
  EXPECT_THROW(cos(std::nan("")), Error);
}

// Catches overflow, and small results that cancel away.
TEST(Math, SigmoidAndItsLogarithm) {
  double worst = 0, worst_log = 0;
  for (uint32_t i = 0; i < 20000; ++i) {
    const double x = i % 2 ? number(i, -700, 700) : number(i, -3, 3);
    worst = std::max(worst, ulps(sigmoid(x), 1 / (1 + expl(-x))));
    worst_log = std::max(worst_log, ulps(log_sigmoid(x), -log1pl(expl(-x))));
  }
  EXPECT_LE(worst, 4);
  EXPECT_LE(worst_log, 4);
  EXPECT_EQ(sigmoid(1e300), 1.0);
  EXPECT_EQ(sigmoid(-1e300), 0.0);
  EXPECT_EQ(log_sigmoid(-1e300), -1e300);
  EXPECT_EQ(log_sigmoid(1e300), 0.0);
}

}  // namespace
}  // namespace cohort
