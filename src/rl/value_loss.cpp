#include "rl/value_loss.h"

#include <algorithm>

#include "base/check.h"

namespace cohort {
namespace {

void value_sample(const Sample& sample, const FreshSample& fresh, double weight,
                  const CoefficientOptions& options, std::span<float> seeds, CoefficientSums& sums) {
  const size_t length = sample.completion_ids.size();
  COHORT_CHECK(fresh.values.size() == length && sample.values.size() == length &&
                   sample.returns.size() == length && seeds.size() == length,
               "{} tokens, {} fresh and {} old values, {} returns, {} value seeds", length,
               fresh.values.size(), sample.values.size(), sample.returns.size(), seeds.size());
  double loss = 0;
  for (size_t t = 0; t < length; ++t) {
    seeds[t] = 0;
    if (!sample.is_sampled(t)) continue;
    const double value = fresh.values[t], old = sample.values[t], target = sample.returns[t];
    const double near = std::clamp(value, old - options.cliprange_value, old + options.cliprange_value);
    const double error = (value - target) * (value - target);
    const double near_error = (near - target) * (near - target);
    const bool clipped =
        near_error > error;  // beyond the range and nearer to the return: it moves no further
    if (!clipped) seeds[t] = static_cast<float>(-options.vf_coef * weight * (value - target));
    loss += std::max(error, near_error);
    ++sums.values;
    sums.value_error += error;
    sums.value_clipped += clipped;
    sums.returns += target;
    sums.returns_squared += target * target;
    sums.residual += target - old;
    sums.residual_squared += (target - old) * (target - old);
  }
  sums.value_loss += loss;
  sums.objective -= options.vf_coef * 0.5 * weight * loss;
}

}  // namespace

void clipped_ratio_and_value(const Group& group, std::span<const FreshSample> fresh,
                             std::span<const double> weights, const CoefficientOptions& options,
                             std::span<const SampleSeeds> seeds, CoefficientSums& sums) {
  clipped_ratio(group, fresh, weights, options, seeds, sums);
  for (size_t i = 0; i < group.samples.size(); ++i)
    value_sample(group.samples[i], fresh[i], weights[i], options, seeds[i].value, sums);
}

}  // namespace cohort
