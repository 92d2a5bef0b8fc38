// Whitening: numbers shifted and scaled to mean 0 and variance 1.
#pragma once

#include <span>

namespace cohort {

struct Whitening {
  double mean = 0, scale = 0;
  double operator()(double x) const { return (x - mean) * scale; }
};

// scale = 1 / sqrt(variance + 1e-8), variance with n - 1 (verl's and TRL's masked_whiten). weights[i]: how
// often values[i] counts, a whole number; empty: once each; 0: not at all, values[i] may then be NaN. scale
// is 0 where all that count are equal, or none counts.
Whitening whitening(std::span<const double> values, std::span<const double> weights);

}  // namespace cohort
