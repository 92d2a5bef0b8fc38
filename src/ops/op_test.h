// Shared by the ops' tests: reproducible random tensors, and running a computation on every instruction set
// and team size.
#pragma once

#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <cmath>
#include <functional>
#include <vector>

#include "base/philox.h"
#include "hwy/targets.h"
#include "tensor/tensor.h"

namespace cohort {

// Standard normal numbers times `scale`; `stream` makes tensors of one test independent.
inline std::vector<float> normal(int64_t n, uint32_t stream, double scale = 1) {
  std::vector<float> x(static_cast<size_t>(n));
  for (uint32_t i = 0; i < n; ++i) {
    const double u = 1 - uniform53(1, Stream::init, stream, 0, 0, i),
                 v = uniform53(1, Stream::init, stream, 1, 0, i);
    x[i] = static_cast<float>(scale * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  return x;
}

inline std::vector<double> doubles(const std::vector<float>& x) { return {x.begin(), x.end()}; }

// |a - b| in norm, relative to |b|.
inline double relative_error(const std::vector<float>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) return false;
  return true;
}

// Central differences of f at x, against the gradient that the caller derived.
inline void expect_gradient(const std::function<double(const std::vector<double>&)>& f, std::vector<double> x,
                            const std::vector<double>& gradient, double tolerance = 1e-6) {
  ASSERT_EQ(x.size(), gradient.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double at = x[i], h = 1e-5;
    x[i] = at + h;
    const double above = f(x);
    x[i] = at - h;
    const double below = f(x);
    x[i] = at;
    EXPECT_NEAR((above - below) / (2 * h), gradient[i], tolerance * (1 + std::fabs(gradient[i])))
        << "element " << i;
  }
}

// Runs f with 1, 2 and 4 threads on every instruction set that was compiled and that the machine has.
inline void expect_same_bits_everywhere(const std::function<std::vector<float>()>& f) {
  const int threads = omp_get_max_threads();
  std::vector<float> first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const int team : {1, 2, 4}) {
      omp_set_num_threads(team);
      const std::vector<float> result = f();
      if (first.empty()) first = result;
      EXPECT_TRUE(same_bits(first, result)) << hwy::TargetName(target) << ", " << team << " threads";
    }
  }
  omp_set_num_threads(threads);
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace cohort
