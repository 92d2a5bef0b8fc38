#include "rl/preference.h"

#include "base/check.h"
#include "base/math.h"

namespace cohort {
namespace {

// log pi - log pi_ref of the sampled tokens.
double log_ratio(const Sample& sample, const FreshSample& fresh) {
  const size_t length = sample.completion_ids.size();
  COHORT_CHECK(sample.ref_log_probs.size() == length, "{} reference log-probs for {} tokens",
               sample.ref_log_probs.size(), length);
  COHORT_CHECK(fresh.log_probs.size() == length, "{} fresh log-probs for {} tokens", fresh.log_probs.size(),
               length);
  double sum = 0;
  for (size_t t = 0; t < length; ++t)
    if (sample.is_sampled(t)) sum += double{fresh.log_probs[t]} - double{sample.ref_log_probs[t]};
  return sum;
}

void write_seeds(const Sample& sample, double seed, std::span<float> seeds) {
  COHORT_CHECK(seeds.size() == sample.completion_ids.size(), "{} seeds for {} tokens", seeds.size(),
               sample.completion_ids.size());
  for (size_t t = 0; t < seeds.size(); ++t) seeds[t] = sample.is_sampled(t) ? static_cast<float>(seed) : 0.0f;
}

}  // namespace

void preference(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                const CoefficientOptions& options, std::span<const SampleSeeds> seeds,
                CoefficientSums& sums) {
  COHORT_CHECK(group.samples.size() == 2 && fresh.size() == 2 && weights.size() == 2 && seeds.size() == 2,
               "{} samples, {} fresh, {} weights, {} seeds", group.samples.size(), fresh.size(),
               weights.size(), seeds.size());
  for (const Sample& sample : group.samples)
    COHORT_CHECK(sample.advantages.size() == 1, "{} advantages", sample.advantages.size());
  const float first = group.samples[0].advantages[0], second = group.samples[1].advantages[0];
  COHORT_CHECK((first == 1 && second == -1) || (first == -1 && second == 1), "advantages {} and {}", first,
               second);
  COHORT_CHECK(weights[0] == weights[1], "weights {} and {}", weights[0], weights[1]);

  const size_t chosen = first == 1 ? 0 : 1, rejected = 1 - chosen;
  const double reward_chosen = options.beta * log_ratio(group.samples[chosen], fresh[chosen]);
  const double reward_rejected = options.beta * log_ratio(group.samples[rejected], fresh[rejected]);
  const double margin = reward_chosen - reward_rejected;
  // log sigma(-x) = log sigma(x) - x, so the smoothed objective is log sigma(x) - s x.
  const double smoothing = options.label_smoothing;
  const double slope = weights[0] * options.beta * (sigmoid(-margin) - smoothing);
  write_seeds(group.samples[chosen], slope, seeds[chosen].log_prob);
  write_seeds(group.samples[rejected], -slope, seeds[rejected].log_prob);

  sums.objective += weights[0] * (log_sigmoid(margin) - smoothing * margin);
  sums.tokens += group.samples[0].sampled_tokens() + group.samples[1].sampled_tokens();
  ++sums.pairs;
  sums.pairs_right += margin > 0;
  sums.margin += margin;
  sums.reward_chosen += reward_chosen;
  sums.reward_rejected += reward_rejected;
}

}  // namespace cohort
