#include "rl/whiten.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cohort {

Whitening whitening(std::span<const double> values, std::span<const double> weights) {
  const auto weight = [&](size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  double n = 0, sum = 0, low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t i = 0; i < values.size(); ++i) {
    if (weight(i) == 0) continue;
    n += weight(i);
    sum += weight(i) * values[i];
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (n == 0) return {};
  if (low == high) return {low, 0};  // no rounding: equal numbers have no spread
  const double mean = sum / n;
  double squares = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (weight(i) != 0) squares += weight(i) * (values[i] - mean) * (values[i] - mean);  // values may be NaN
  return {mean, 1 / std::sqrt(squares / (n - 1) + 1e-8)};
}

}  // namespace cohort
