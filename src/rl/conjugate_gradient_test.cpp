#include "rl/conjugate_gradient.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/philox.h"
#include "ops/vector.h"

namespace cohort {
namespace {

Tensor line(std::vector<float>& x) { return {x.data(), {static_cast<int64_t>(x.size())}}; }

std::vector<float> uniform(size_t n, uint32_t stream) {
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i)
    x[i] = static_cast<float>(2 * uniform53(3, Stream::init, stream, 0, 0, static_cast<uint32_t>(i)) - 1);
  return x;
}

// A = M M^T / n + 0.1, dense, in double.
struct Dense {
  size_t n;
  std::vector<double> a;
  std::vector<float> image;
  explicit Dense(size_t n) : n(n), a(n * n), image(n) {
    const std::vector<float> m = uniform(n * n, 1);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) {
        for (size_t k = 0; k < n; ++k) a[i * n + j] += double{m[i * n + k]} * m[j * n + k] / double(n);
        if (i == j) a[i * n + j] += 0.1;
      }
  }
  Tensor operator()(const Tensor& v) {
    for (size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (size_t j = 0; j < n; ++j) sum += a[i * n + j] * v.data[j];
      image[i] = static_cast<float>(sum);
    }
    return line(image);
  }
  // Gaussian elimination; A is positive definite and needs no pivots.
  std::vector<double> solve(const std::vector<float>& b) const {
    std::vector<double> m = a, x(b.begin(), b.end());
    for (size_t k = 0; k < n; ++k)
      for (size_t i = k + 1; i < n; ++i) {
        const double f = m[i * n + k] / m[k * n + k];
        for (size_t j = k; j < n; ++j) m[i * n + j] -= f * m[k * n + j];
        x[i] -= f * x[k];
      }
    for (size_t i = n; i-- > 0;) {
      for (size_t j = i + 1; j < n; ++j) x[i] -= m[i * n + j] * x[j];
      x[i] /= m[i * n + i];
    }
    return x;
  }
};

struct Solved {
  std::vector<float> x;
  ConjugateGradientResult result;
};
Solved solve(const MatrixProduct& product, const std::vector<float>& b,
             const ConjugateGradientOptions& options) {
  Solved s;
  std::vector<float> residual = b, direction(b.size());
  s.x.assign(b.size(), std::numeric_limits<float>::quiet_NaN());  // what stands there must not be read
  s.result = conjugate_gradient(product, options, line(residual), line(direction), line(s.x));
  return s;
}

// Catches: a wrong step length or direction, and an energy that is not x^T A x.
TEST(ConjugateGradient, EqualsADenseSolve) {
  Dense a(40);
  const std::vector<float> b = uniform(40, 2);
  const Solved s = solve(std::ref(a), b, {80, 1e-7});
  const std::vector<double> expected = a.solve(b);
  double energy = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    EXPECT_NEAR(s.x[i], expected[i], 1e-5) << i;
    energy += expected[i] * b[i];
  }
  EXPECT_NEAR(s.result.energy, energy, 1e-5 * energy);
  EXPECT_LE(s.result.residuals.back(), 1e-7);
  EXPECT_LT(s.result.residuals.size(), 80u);
}

// Catches: residuals that are reported but not those of x, and a limit or a tolerance that is not kept.
TEST(ConjugateGradient, TheResidualFallsAndIsThatOfX) {
  Dense a(40);
  const std::vector<float> b = uniform(40, 2);
  double last = 1;
  for (int64_t steps : {2, 5, 10, 20}) {
    const Solved s = solve(std::ref(a), b, {steps, 0});
    ASSERT_EQ(static_cast<int64_t>(s.result.residuals.size()), steps);
    std::vector<float> x = s.x;
    const Tensor image = a(line(x));
    double left = 0, norm = 0;
    for (size_t i = 0; i < b.size(); ++i) {
      left += (double{b[i]} - image.data[i]) * (double{b[i]} - image.data[i]);
      norm += double{b[i]} * b[i];
    }
    EXPECT_NEAR(s.result.residuals.back(), std::sqrt(left / norm), 1e-5);
    EXPECT_LT(s.result.residuals.back(), last);
    last = s.result.residuals.back();
  }
  const Solved loose = solve(std::ref(a), b, {80, 0.1});
  EXPECT_LE(loose.result.residuals.back(), 0.1);
  EXPECT_GT(loose.result.residuals.at(loose.result.residuals.size() - 2), 0.1);
}

// Catches: a division by 0 or NaN in x, where there is nothing to solve or no curvature to go by.
TEST(ConjugateGradient, StopsWhereThereIsNothingToDo) {
  Dense a(8);
  const Solved zero = solve(std::ref(a), std::vector<float>(8), {10, 1e-5});
  EXPECT_TRUE(zero.result.residuals.empty());
  EXPECT_EQ(zero.x, std::vector<float>(8));
  for (const double factor : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    std::vector<float> image(8);
    const auto bad = [&](const Tensor& v) {
      for (size_t i = 0; i < 8; ++i) image[i] = static_cast<float>(factor) * v.data[i];
      return line(image);
    };
    const Solved s = solve(bad, uniform(8, 2), {10, 1e-5});
    EXPECT_TRUE(s.result.residuals.empty());
    EXPECT_EQ(s.x, std::vector<float>(8));
  }
}

// Catches: sums whose order depends on the team.
TEST(ConjugateGradient, BitsDoNotDependOnThreads) {
  const size_t n = 100003;
  const std::vector<float> diagonal = uniform(n, 5), b = uniform(n, 6);
  std::vector<float> image(n), first;
  const auto product = [&](const Tensor& v) {
    for (size_t i = 0; i < n; ++i) image[i] = (2 + diagonal[i]) * v.data[i];
    return line(image);
  };
  const int threads = omp_get_max_threads();
  for (const int team : {1, 2, 3}) {
    omp_set_num_threads(team);
    const Solved s = solve(product, b, {6, 0});
    if (first.empty()) first = s.x;
    EXPECT_EQ(std::memcmp(first.data(), s.x.data(), n * sizeof(float)), 0) << team;
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace cohort
