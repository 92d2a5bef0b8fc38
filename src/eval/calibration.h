// Whether probabilities mean what they say: a reliability table and the expected calibration error (Guo et
// al., arXiv 1706.04599).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cohort {

struct Prediction {
  double probability;  // predicted, in [0, 1]
  double observed;     // 1 where it came true, 0 where not; a share between for a soft label
};

// Predictions in [low, high), the last bin with its end.
struct ReliabilityBin {
  double low, high;
  int64_t count;
  double predicted, observed;  // means
};

struct Calibration {
  std::vector<ReliabilityBin> bins;       // of equal width, those that hold something
  double expected_calibration_error = 0;  // mean over predictions of |observed - predicted| of their bin
};
Calibration calibrate(std::span<const Prediction> predictions, int bins = 10);

// The table in lines for people.
std::string describe(const Calibration& calibration);

}  // namespace cohort
