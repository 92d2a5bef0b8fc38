#include "rl/coefficient.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/math.h"

namespace cohort {
namespace {

float advantage(const Sample& sample, size_t t) {
  return sample.advantages.size() == 1 ? sample.advantages[0] : sample.advantages[t];
}

void check_sizes(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                 std::span<const SampleSeeds> seeds) {
  const size_t n = group.samples.size();
  COHORT_CHECK(fresh.size() == n && weights.size() == n && seeds.size() == n,
               "{} samples, {} fresh, {} weights, {} seeds", n, fresh.size(), weights.size(), seeds.size());
  for (const Sample& sample : group.samples)
    COHORT_CHECK(sample.advantages.size() == 1 || sample.advantages.size() == sample.completion_ids.size(),
                 "{} advantages for {} tokens", sample.advantages.size(), sample.completion_ids.size());
}

// One token's policy term before its weight: min(min(r, delta) A, clip(r) A), and its derivative by log r.
struct PolicyTerm {
  double value, slope;
  bool clipped_low, clipped_high;
};

PolicyTerm policy_term(double ratio, double advantage, const CoefficientOptions& options) {
  const double low = 1 - options.epsilon, high = options.clip_high();
  const bool bounded = options.delta && ratio > *options.delta;
  const double unclipped = (bounded ? *options.delta : ratio) * advantage;
  const double clipped = std::clamp(ratio, low, high) * advantage;
  const bool moves = unclipped <= clipped ? !bounded : ratio >= low && ratio <= high;
  PolicyTerm term;
  term.value = std::min(unclipped, clipped);
  term.slope = moves ? ratio * advantage : 0;
  term.clipped_low = ratio < low && advantage < 0;
  term.clipped_high = ratio > high && advantage > 0;
  return term;
}

void clipped_ratio_sample(const Sample& sample, std::span<const float> fresh, double weight,
                          const CoefficientOptions& options, std::span<float> seeds, CoefficientSums& sums) {
  const size_t length = sample.completion_ids.size();
  COHORT_CHECK(fresh.size() == length && sample.log_probs.size() == length && seeds.size() == length,
               "{} tokens, {} fresh and {} old log-probs, {} seeds", length, fresh.size(),
               sample.log_probs.size(), seeds.size());
  COHORT_CHECK(options.beta == 0 || sample.ref_log_probs.size() == length,
               "beta is {} and there are {} reference log-probs for {} tokens", options.beta,
               sample.ref_log_probs.size(), length);
  std::vector<size_t> tokens;
  for (size_t t = 0; t < length; ++t) {
    seeds[t] = 0;
    if (sample.is_sampled(t)) tokens.push_back(t);
  }
  if (tokens.empty()) return;
  const double count = static_cast<double>(tokens.size());
  const bool sequence = options.importance_sampling_level == ImportanceLevel::sequence;

  // At level sequence every token's ratio is the geometric mean over the completion.
  double mean_log_ratio = 0;
  for (size_t t : tokens) mean_log_ratio += double{fresh[t]} - double{sample.log_probs[t]};
  const double sequence_ratio = exp(mean_log_ratio / count);

  double low = 0, high = 0, objective = 0, slope_sum = 0;
  for (size_t t : tokens) {
    const double ratio = sequence ? sequence_ratio : exp(double{fresh[t]} - double{sample.log_probs[t]});
    const PolicyTerm term = policy_term(ratio, advantage(sample, t), options);
    double slope = term.slope;  // by log r
    double direct = 0;          // by the token's own log-prob where r is held
    double value = term.value;
    if (options.beta != 0) {
      const double log_ref = double{sample.ref_log_probs[t]} - double{fresh[t]};  // log(pi_ref / pi)
      const double ref_ratio = exp(log_ref);
      const double scale = options.use_bias_correction_kl ? ratio : 1;
      const double kl = scale * (ref_ratio - log_ref - 1);
      value -= options.beta * kl;
      direct = options.beta * scale * (ref_ratio - 1);
      if (options.use_bias_correction_kl) slope -= options.beta * kl;
      sums.kl += kl;
    }
    objective += value;
    slope_sum += slope;
    if (sequence) {
      seeds[t] = static_cast<float>(weight * direct);
    } else {
      seeds[t] = static_cast<float>(weight * (slope + direct));
      sums.ratio += ratio;
    }
    sums.ratio_min = std::min(sums.ratio_min, ratio);
    sums.ratio_max = std::max(sums.ratio_max, ratio);
    low += term.clipped_low;
    high += term.clipped_high;
  }
  if (sequence) {  // log r is the mean of the tokens' log ratios, so each of them moves every token's term
    for (size_t t : tokens) seeds[t] = static_cast<float>(seeds[t] + weight * slope_sum / count);
    sums.ratio += sequence_ratio;
  }
  sums.objective += weight * objective;
  sums.tokens += static_cast<int64_t>(tokens.size());
  sums.ratio_count += sequence ? 1 : count;
  sums.clipped_low += sequence ? low / count : low;
  sums.clipped_high += sequence ? high / count : high;
  sums.clipped_low_min = std::min(sums.clipped_low_min, low / count);
  sums.clipped_high_max = std::max(sums.clipped_high_max, high / count);
}

}  // namespace

void check(const CoefficientOptions& options) {
  const auto at_least_0 = [](double x) { return x >= 0 && std::isfinite(x); };
  if (!(options.epsilon >= 0 && options.epsilon < 1))
    fail("epsilon: expected a number in [0, 1), found {}", options.epsilon);
  if (options.epsilon_high && !at_least_0(*options.epsilon_high))
    fail("epsilon_high: expected a number of at least 0, found {}", *options.epsilon_high);
  if (!at_least_0(options.beta)) fail("beta: expected a number of at least 0, found {}", options.beta);
  if (options.delta && !(*options.delta > options.clip_high() && std::isfinite(*options.delta)))
    fail("delta: expected a number above 1 + epsilon_high = {}, found {}", options.clip_high(),
         *options.delta);
}

void clipped_ratio(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                   const CoefficientOptions& options, std::span<const SampleSeeds> seeds,
                   CoefficientSums& sums) {
  check_sizes(group, fresh, weights, seeds);
  for (size_t i = 0; i < group.samples.size(); ++i)
    clipped_ratio_sample(group.samples[i], fresh[i].log_probs, weights[i], options, seeds[i].log_prob, sums);
}

void plain(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
           const CoefficientOptions&, std::span<const SampleSeeds> seeds, CoefficientSums& sums) {
  check_sizes(group, fresh, weights, seeds);
  for (size_t i = 0; i < group.samples.size(); ++i) {
    const Sample& sample = group.samples[i];
    const std::span<const float> log_probs = fresh[i].log_probs;
    const std::span<float> out = seeds[i].log_prob;
    double objective = 0;
    for (size_t t = 0; t < sample.completion_ids.size(); ++t) {
      const bool sampled = sample.is_sampled(t);
      if (!out.empty()) out[t] = sampled ? static_cast<float>(weights[i] * advantage(sample, t)) : 0.0f;
      if (sampled && !log_probs.empty()) objective += double{advantage(sample, t)} * double{log_probs[t]};
    }
    if (log_probs.empty()) continue;
    sums.objective += weights[i] * objective;
    sums.tokens += sample.sampled_tokens();
  }
}

void add_entropy(const Sample& sample, std::span<const float> entropies, CoefficientSums& sums) {
  COHORT_CHECK(entropies.size() == sample.completion_ids.size(), "{} entropies for {} tokens",
               entropies.size(), sample.completion_ids.size());
  for (size_t t = 0; t < entropies.size(); ++t)
    if (sample.is_sampled(t)) sums.entropy += double{entropies[t]};
}

}  // namespace cohort
