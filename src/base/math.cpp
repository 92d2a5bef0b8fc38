#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/check.h"

namespace cohort {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLn2High = 0x1.62e42fefa38p-1;   // the first 42 bits: k * kLn2High is exact for |k| < 2^11
constexpr double kLn2Low = 0x1.ef35793c7673p-45;  // ln 2 - kLn2High
constexpr double kLog2E = 0x1.71547652b82fep+0;

// 2^k, also where the result is subnormal or k is out of range.
double scale(double x, int k) {
  auto power = [](int e) { return std::bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52); };
  if (k > 1023) return x * power(1023) * power(k - 1023 > 1023 ? 1023 : k - 1023);
  if (k < -1022) return x * power(k + 200 < -1022 ? -1022 : k + 200) * power(-200);
  return x * power(k);
}

// exp(high + low) for |low| much smaller than |high|.
double exp_sum(double high, double low) {
  if (std::isnan(high)) return high;
  if (high > 709.8) return kInfinity;
  if (high < -745.2) return 0;
  const double k = std::rint(high * kLog2E);
  const double reduced = std::fma(-k, kLn2High, high);  // exact
  const double tail = std::fma(-k, kLn2Low, low);
  const double r = reduced + tail;
  const double r_low = (reduced - r) + tail;
  // Taylor: |r| <= 0.347, so the first term left out is below 2^-57.
  double p = 1.0 / 6227020800.0;
  for (const double c : {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
                         1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5})
    p = std::fma(p, r, c);
  const double rest = std::fma(r * r, p, r_low);  // exp(r) = 1 + r + rest
  return scale(1.0 + (r + rest), static_cast<int>(k));
}

// x = 2^k * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)). x is positive and finite.
double split(double x, int* k) {
  int shift = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    shift = -54;
  }
  uint64_t bits = std::bit_cast<uint64_t>(x);
  // Adding the distance from sqrt(1/2) to 1 carries into the exponent exactly where the mantissa is sqrt(2)
  // or more.
  bits += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;
  *k = static_cast<int>(bits >> 52) - 1023 + shift;
  bits = (bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
  return std::bit_cast<double>(bits) - 1.0;
}

// A number as the unevaluated sum of two doubles, good to about 2^-104.
struct Twofold {
  double high, low;
};

Twofold sum(double a, double b) {
  const double s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
Twofold operator+(Twofold a, Twofold b) {
  const Twofold s = sum(a.high, b.high);
  return sum(s.high, s.low + (a.low + b.low));
}
Twofold operator*(Twofold a, Twofold b) {
  const double p = a.high * b.high;
  return sum(p, std::fma(a.high, b.high, -p) + (a.high * b.low + a.low * b.high));
}
Twofold divide(Twofold a, Twofold b) {
  const double q = a.high / b.high;
  const double rest = std::fma(-q, b.high, a.high) + (a.low - q * b.low);
  return sum(q, rest / b.high);
}

// log x as a sum of two: 2 atanh(s), s = f / (2 + f), by its series.
Twofold log_twofold(double x) {
  int k;
  const double f = split(x, &k);
  const Twofold s = divide({f, 0}, sum(2.0, f));
  const Twofold s2 = s * s;
  Twofold p = {0, 0};
  for (int n = 45; n >= 1; n -= 2) p = p * s2 + divide({1, 0}, {static_cast<double>(n), 0});
  const Twofold twice = {2 * s.high, 2 * s.low};
  const Twofold ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
  return ln2 * Twofold{static_cast<double>(k), 0} + twice * p;
}

// x = quadrant * pi/2 + (high + low), |high| <= pi/4.
struct Reduced {
  double high, low;
  int64_t quadrant;
};

Reduced reduce(double x) {
  if (!(x >= -0x1p23 && x <= 0x1p23)) fail("sin and cos: expected an angle of at most 2^23, found {}", x);
  // pi/2 in four parts; the first two have 29 bits, so their products with |k| < 2^24 are exact.
  constexpr double part1 = 0x1.921fb54p+0, part2 = 0x1.10b4611p-30, part3 = 0x1.4c4c6628b80dcp-59,
                   part4 = 0x1.cd129024e088ap-115;
  const double k = std::rint(x * 0x1.45f306dc9c883p-1);
  const double a = x - k * part1;  // exact: both are multiples of the same power of two, and close
  const double third = k * part3;
  const Twofold r = sum(a, -(k * part2)) + Twofold{-third, -std::fma(k, part3, -third) - k * part4};
  return {r.high, r.low, static_cast<int64_t>(k)};
}

// Taylor on |r| <= pi/4: the first terms left out are below 2^-62.
double sin_kernel(double r, double low) {
  const double z = r * r;
  double p = 1.0 / 355687428096000.0;
  for (const double c : {-1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0, 1.0 / 362880.0,
                         -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0})
    p = std::fma(p, z, c);
  return r + std::fma(z * r, p, low * (1.0 - 0.5 * z));
}

double cos_kernel(double r, double low) {
  const double z = r * r;
  double p = 1.0 / 20922789888000.0;
  for (const double c :
       {-1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0, -1.0 / 720.0, 1.0 / 24.0})
    p = std::fma(p, z, c);
  const double half = 0.5 * z, one_less = 1.0 - half;
  const double lost = (1.0 - one_less) - half;  // what the subtraction rounded away
  return one_less + (lost + std::fma(z * z, p, -r * low));
}

double sin_of_quadrant(const Reduced& x, int64_t quadrant) {
  const double value = (quadrant & 1) ? cos_kernel(x.high, x.low) : sin_kernel(x.high, x.low);
  return (quadrant & 2) ? -value : value;
}

}  // namespace

double exp(double x) { return exp_sum(x, 0); }

double log(double x) {
  if (std::isnan(x) || x == kInfinity) return x;
  if (x <= 0) return x == 0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  int k;
  const double f = split(x, &k);
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R), s = f / (2 + f), R = 2 s^2 (1/3 + s^2/5 + s^4/7 + ...); |s| <=
  // 0.172.
  const double s = f / (2.0 + f), z = s * s;
  double p = 1.0 / 23;
  for (const double c :
       {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3})
    p = std::fma(p, z, c);
  const double half = 0.5 * f * f;
  const double correction = std::fma(s, half + 2 * z * p, k * kLn2Low);
  return k * kLn2High - ((half - correction) - f);
}

double pow(double x, double y) {
  if (!(x > 0 && x < kInfinity) || !std::isfinite(y))
    fail("pow: expected a positive base and a finite exponent, found {} and {}", x, y);
  const Twofold t = log_twofold(x) * Twofold{y, 0};
  if (!(std::fabs(t.high) < 1e6)) return t.high > 0 ? kInfinity : 0;
  return exp_sum(t.high, t.low);
}

double sin(double x) {
  const Reduced r = reduce(x);
  return sin_of_quadrant(r, r.quadrant);
}

double cos(double x) {
  const Reduced r = reduce(x);
  return sin_of_quadrant(r, r.quadrant + 1);
}

namespace {

// log(1 + x) for x >= 0, also where 1 + x rounds: the error of rounding cancels in x / (u - 1).
double log_one_plus(double x) {
  const double u = 1 + x;
  return u == 1 ? x : log(u) * (x / (u - 1));
}

}  // namespace

double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

double log_sigmoid(double x) { return x >= 0 ? -log_one_plus(exp(-x)) : x - log_one_plus(exp(x)); }

}  // namespace cohort
