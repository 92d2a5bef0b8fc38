#include "eval/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace cohort {

Calibration calibrate(std::span<const Prediction> predictions, int bins) {
  COHORT_CHECK(bins > 0, "{} bins", bins);
  std::vector<ReliabilityBin> all;
  for (int b = 0; b < bins; ++b)
    all.push_back({static_cast<double>(b) / bins, static_cast<double>(b + 1) / bins, 0, 0, 0});
  for (const Prediction& p : predictions) {
    COHORT_CHECK(p.probability >= 0 && p.probability <= 1, "probability {}", p.probability);
    ReliabilityBin& bin = all[std::min(static_cast<size_t>(p.probability * bins), all.size() - 1)];
    ++bin.count;
    bin.predicted += p.probability;
    bin.observed += p.observed;
  }
  Calibration result;
  for (ReliabilityBin& bin : all) {
    if (bin.count == 0) continue;
    const double count = static_cast<double>(bin.count);
    result.expected_calibration_error +=
        std::fabs(bin.observed - bin.predicted) / static_cast<double>(predictions.size());
    bin.predicted /= count;
    bin.observed /= count;
    result.bins.push_back(bin);
  }
  return result;
}

std::string describe(const Calibration& calibration) {
  std::string text = "  predicted      count   mean   observed\n";
  for (const ReliabilityBin& bin : calibration.bins)
    text += fmt::format("  {:.2f} - {:.2f}  {:>7}  {:.3f}      {:.3f}\n", bin.low, bin.high, bin.count,
                        bin.predicted, bin.observed);
  return text + fmt::format("  expected calibration error {:.4f}", calibration.expected_calibration_error);
}

}  // namespace cohort
