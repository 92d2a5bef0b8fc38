#include "rl/coefficient.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/math.h"
#include "rl/coefficient_kl.h"
#include "rl/coefficient_policy.h"

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

// Whether all tokens of a completion share one ratio.
bool shares_ratio(const CoefficientOptions& options) {
  return options.importance_sampling_level == ImportanceLevel::sequence || options.loss_type == LossType::r1;
}

// One completion's sampled tokens, and whether each has a policy term.
struct Tokens {
  std::vector<size_t> at;  // positions in the completion
  std::vector<double> log_probs, log_ratios, ratios, advantages;
  std::vector<char> chosen;  // by top_entropy_quantile
};

Tokens sampled_tokens_of(const Sample& sample, std::span<const float> fresh,
                         const CoefficientOptions& options) {
  Tokens tokens;
  for (size_t t = 0; t < fresh.size(); ++t)
    if (sample.is_sampled(t)) tokens.at.push_back(t);
  double log_ratio_sum = 0;
  for (size_t t : tokens.at) {
    tokens.log_probs.push_back(double{fresh[t]});
    tokens.log_ratios.push_back(double{fresh[t]} - double{sample.log_probs[t]});
    tokens.advantages.push_back(double{advantage(sample, t)});
    tokens.chosen.push_back(options.entropy_threshold == -CoefficientOptions::kInfinity ||
                            double{sample.entropies[t]} >= options.entropy_threshold);
    log_ratio_sum += tokens.log_ratios.back();
  }
  // At level sequence every token's ratio is the geometric mean over the completion; for r1 the product, which
  // must stay finite.
  if (options.loss_type == LossType::r1)
    log_ratio_sum = std::min(log_ratio_sum, 20.0);
  else
    log_ratio_sum /= static_cast<double>(tokens.at.size());
  const bool shared = shares_ratio(options);
  const double ratio = shared ? exp(log_ratio_sum) : 0;
  for (double log_ratio : tokens.log_ratios) tokens.ratios.push_back(shared ? ratio : exp(log_ratio));
  return tokens;
}

// The policy terms of the tokens that no mask takes out, 0 for the others.
std::vector<PolicyTerm> masked_policy_terms(const Sample& sample, const Tokens& tokens,
                                            const CoefficientOptions& options) {
  std::vector<double> advantages = tokens.advantages;
  double drift = 0;  // mean log(pi_old / pi)
  for (double log_ratio : tokens.log_ratios) drift -= log_ratio;
  drift /= static_cast<double>(tokens.at.size());
  const bool off_policy = options.off_policy_mask_threshold && drift > *options.off_policy_mask_threshold;
  for (size_t i = 0; i < advantages.size(); ++i)
    if (!tokens.chosen[i] || (off_policy && advantages[i] < 0)) advantages[i] = 0;
  std::vector<PolicyTerm> terms(advantages.size());
  policy_terms({tokens.log_probs, tokens.log_ratios, tokens.ratios, advantages}, options, terms);
  if (!sample.importance_weights.empty())
    for (size_t i = 0; i < terms.size(); ++i) {
      const double weight = sample.importance_weights[tokens.at[i]];
      terms[i].value *= weight;
      terms[i].by_log_ratio *= weight;
      terms[i].by_log_prob *= weight;
    }
  return terms;
}

// beta x the KL term off each token's; of r1 it is one term of the whole completion, which each token holds.
void subtract_kl(const Sample& sample, std::span<const float> fresh, const Tokens& tokens,
                 const CoefficientOptions& options, std::span<PolicyTerm> terms, CoefficientSums& sums) {
  const bool whole = options.loss_type == LossType::r1;
  const auto log_ref = [&](size_t i) {
    return double{sample.ref_log_probs[tokens.at[i]]} - double{fresh[tokens.at[i]]};
  };
  double log_ref_sum = 0;
  for (size_t i = 0; i < terms.size() && whole; ++i) log_ref_sum += log_ref(i);
  const double n = static_cast<double>(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    const double scale = options.use_bias_correction_kl ? tokens.ratios[i] : 1;
    const KlTerm kl = kl_term(whole ? log_ref_sum : log_ref(i), options.kl_estimator);
    const double by_log_ratio = options.use_bias_correction_kl ? options.beta * scale * kl.value : 0;
    const double by_log_prob = options.beta * scale * kl.by_log_prob;
    terms[i].value -= options.beta * scale * kl.value;
    terms[i].by_log_ratio -= whole ? 0 : by_log_ratio;
    terms[i].by_log_prob -=
        whole ? n * (by_log_prob + by_log_ratio) : by_log_prob;  // each token moves all terms
    sums.kl += scale * kl.value;
  }
}

void add_ratio_sums(const Tokens& tokens, const CoefficientOptions& options, CoefficientSums& sums) {
  const double count = static_cast<double>(tokens.at.size());
  const ClipRange range = clip_range(options);
  double low = 0, high = 0, ratios = 0;
  for (size_t i = 0; i < tokens.at.size(); ++i) {
    const double ratio = tokens.ratios[i];
    low += ratio < range.low && tokens.advantages[i] < 0;
    high += ratio > range.high && tokens.advantages[i] > 0;
    ratios += ratio;
    sums.ratio_min = std::min(sums.ratio_min, ratio);
    sums.ratio_max = std::max(sums.ratio_max, ratio);
    sums.approx_kl += 0.5 * tokens.log_ratios[i] * tokens.log_ratios[i];
  }
  const bool sequence = shares_ratio(options);
  sums.ratio += sequence ? tokens.ratios[0] : ratios;
  sums.ratio_count += sequence ? 1 : count;
  sums.clipped_low += sequence ? low / count : low;
  sums.clipped_high += sequence ? high / count : high;
  sums.clipped_low_min = std::min(sums.clipped_low_min, low / count);
  sums.clipped_high_max = std::max(sums.clipped_high_max, high / count);
}

void entropy_bonus(const Tokens& tokens, std::span<const float> entropies, double weight,
                   const CoefficientOptions& options, std::span<float> seeds, CoefficientSums& sums) {
  std::ranges::fill(seeds, 0.0f);
  if (options.entropy_coef == 0) return;
  const double scale =
      options.entropy_coef * (options.entropy_tokens > 0 ? 1 / options.entropy_tokens : weight);
  for (size_t i = 0; i < tokens.at.size(); ++i) {
    if (!tokens.chosen[i]) continue;
    if (!seeds.empty()) seeds[tokens.at[i]] = static_cast<float>(scale);
    if (!entropies.empty()) sums.objective += scale * double{entropies[tokens.at[i]]};
  }
}

void clipped_ratio_sample(const Sample& sample, const FreshSample& fresh, double weight,
                          const CoefficientOptions& options, const SampleSeeds& seeds,
                          CoefficientSums& sums) {
  const size_t length = sample.completion_ids.size();
  COHORT_CHECK(fresh.log_probs.size() == length && sample.log_probs.size() == length &&
                   seeds.log_prob.size() == length,
               "{} tokens, {} fresh and {} old log-probs, {} seeds", length, fresh.log_probs.size(),
               sample.log_probs.size(), seeds.log_prob.size());
  COHORT_CHECK(options.beta == 0 || sample.ref_log_probs.size() == length,
               "beta is {} and there are {} reference log-probs for {} tokens", options.beta,
               sample.ref_log_probs.size(), length);
  COHORT_CHECK(
      options.entropy_threshold == -CoefficientOptions::kInfinity || sample.entropies.size() == length,
      "{} entropies of sampling time for {} tokens", sample.entropies.size(), length);
  COHORT_CHECK((fresh.entropies.empty() || fresh.entropies.size() == length) &&
                   (seeds.entropy.empty() || seeds.entropy.size() == length),
               "{} tokens, {} entropies, {} entropy seeds", length, fresh.entropies.size(),
               seeds.entropy.size());
  std::ranges::fill(seeds.log_prob, 0.0f);
  const Tokens tokens = sampled_tokens_of(sample, fresh.log_probs, options);
  entropy_bonus(tokens, fresh.entropies, weight, options, seeds.entropy, sums);
  const size_t n = tokens.at.size();
  if (n == 0) return;

  std::vector<PolicyTerm> terms = masked_policy_terms(sample, tokens, options);
  double objective = 0, slope_sum = 0;
  if (options.beta != 0) subtract_kl(sample, fresh.log_probs, tokens, options, terms, sums);
  for (const PolicyTerm& term : terms) {
    objective += term.value;
    slope_sum += term.by_log_ratio;
  }
  // At level sequence log r is the mean of the tokens' log ratios, so each of them moves every token's term.
  const bool sequence = options.importance_sampling_level == ImportanceLevel::sequence;
  const double mean_slope = slope_sum / static_cast<double>(n);
  for (size_t i = 0; i < n; ++i)
    seeds.log_prob[tokens.at[i]] =
        static_cast<float>(weight * ((sequence ? mean_slope : terms[i].by_log_ratio) + terms[i].by_log_prob));
  sums.objective += weight * objective;
  sums.tokens += static_cast<int64_t>(n);
  add_ratio_sums(tokens, options, sums);
}

}  // namespace

void clipped_ratio(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
                   const CoefficientOptions& options, std::span<const SampleSeeds> seeds,
                   CoefficientSums& sums) {
  check_sizes(group, fresh, weights, seeds);
  for (size_t i = 0; i < group.samples.size(); ++i)
    clipped_ratio_sample(group.samples[i], fresh[i], weights[i], options, seeds[i], sums);
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
