#include "rl/importance.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace cohort {
namespace {

bool by_sequence(const ImportanceOptions& o) {
  return o.mode == ImportanceMode::sequence_truncate || o.mode == ImportanceMode::sequence_mask;
}

double bounded(double ratio, const ImportanceOptions& o) {
  const bool mask = o.mode == ImportanceMode::token_mask || o.mode == ImportanceMode::sequence_mask;
  if (o.clip_max && ratio > *o.clip_max) return mask ? 0 : *o.clip_max;
  if (o.clip_min && ratio < *o.clip_min) return mask ? 0 : *o.clip_min;
  return ratio;
}

}  // namespace

void write_importance_weights(const ImportanceOptions& options, Sample& s) {
  const size_t length = s.completion_ids.size();
  COHORT_CHECK(s.log_probs.size() == length && s.sampler_log_probs.size() == length,
               "{} tokens, {} log-probs and {} of the sampler", length, s.log_probs.size(),
               s.sampler_log_probs.size());
  s.importance_weights.assign(length, 1.0f);
  double sum = 0;
  for (size_t t = 0; t < length; ++t) {
    if (!s.is_sampled(t)) continue;
    const double difference = double{s.log_probs[t]} - double{s.sampler_log_probs[t]};
    sum += difference;
    if (!by_sequence(options))
      s.importance_weights[t] = static_cast<float>(bounded(cohort::exp(difference), options));
  }
  if (by_sequence(options))
    std::ranges::fill(s.importance_weights, static_cast<float>(bounded(cohort::exp(sum), options)));
}

std::vector<std::pair<std::string, double>> importance_metrics(const ImportanceOptions& options,
                                                               std::span<const Group> groups) {
  double difference = 0, largest = 0, tokens = 0, low = INFINITY, high = 0, sum = 0, count = 0;
  for (const Group& g : groups)
    for (const Sample& s : g.samples) {
      bool first = true;
      for (size_t t = 0; t < s.completion_ids.size(); ++t) {
        if (!s.is_sampled(t)) continue;
        const double d = std::fabs(double{s.log_probs[t]} - double{s.sampler_log_probs[t]});
        difference += d;
        largest = std::max(largest, d);
        ++tokens;
        if (by_sequence(options) && !first) continue;
        first = false;
        const double ratio = s.importance_weights[t];
        low = std::min(low, ratio);
        high = std::max(high, ratio);
        sum += ratio;
        ++count;
      }
    }
  return {{"sampling/sampling_logp_difference/mean", difference / tokens},
          {"sampling/sampling_logp_difference/max", largest},
          {"sampling/importance_sampling_ratio/min", low},
          {"sampling/importance_sampling_ratio/mean", sum / count},
          {"sampling/importance_sampling_ratio/max", high}};
}

}  // namespace cohort
