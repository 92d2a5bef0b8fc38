// Generalised advantage estimation (arXiv 1506.02438) with the KL penalty in the token rewards, as PPO for
// language models has it (arXiv 2203.02155): A_t = delta_t + gamma lam A_{t+1}, from the last sampled token
// to the first.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "rl/credit.h"
#include "rl/whiten.h"

namespace cohort {
namespace {

// Of every token; 0 for inserted ones.
std::vector<double> estimate(const Sample& sample, const CreditOptions& options) {
  std::vector<double> advantages(sample.completion_ids.size(), 0.0);
  double next_value = 0, next_advantage = 0, outcome = sample.reward;
  for (size_t t = advantages.size(); t-- > 0;) {
    if (!sample.is_sampled(t)) continue;
    double reward = outcome;
    outcome = 0;  // of the last sampled token alone
    if (options.kl_coef != 0)
      reward -= options.kl_coef * (static_cast<double>(sample.log_probs[t]) - sample.ref_log_probs[t]);
    const double value = sample.values.empty() ? 0.0 : sample.values[t];
    const double delta = reward + options.gamma * next_value - value;
    next_advantage = delta + options.gamma * options.lam * next_advantage;
    next_value = value;
    advantages[t] = next_advantage;
  }
  return advantages;
}

void check_sizes(const Sample& sample, const CreditOptions& options) {
  const size_t tokens = sample.completion_ids.size();
  COHORT_CHECK(sample.values.empty() || sample.values.size() == tokens, "{} values of {} tokens",
               sample.values.size(), tokens);
  COHORT_CHECK(
      options.kl_coef == 0 || (sample.log_probs.size() == tokens && sample.ref_log_probs.size() == tokens),
      "{} log_probs and {} ref_log_probs of {} tokens", sample.log_probs.size(), sample.ref_log_probs.size(),
      tokens);
}

}  // namespace

void gae_advantages(std::span<Group> groups, const CreditOptions& options) {
  std::vector<std::vector<double>> estimates;  // by sample; empty: no reward
  std::vector<double> counted;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      check_sizes(sample, options);
      std::vector<double>& advantages = estimates.emplace_back();
      const size_t tokens = sample.completion_ids.size();
      sample.returns = sample.values;
      sample.returns.resize(tokens, 0.0f);
      if (std::isnan(sample.reward)) continue;
      advantages = estimate(sample, options);
      for (size_t t = 0; t < tokens; ++t) {
        if (!sample.is_sampled(t)) continue;
        sample.returns[t] = static_cast<float>(advantages[t] + sample.returns[t]);
        counted.push_back(advantages[t]);
      }
    }
  const Whitening whiten = options.whiten_advantages ? whitening(counted, {}) : Whitening{0, 1};
  size_t i = 0;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      const std::vector<double>& advantages = estimates[i++];
      sample.advantages.assign(std::max<size_t>(sample.completion_ids.size(), 1), 0.0f);
      for (size_t t = 0; t < advantages.size(); ++t)
        if (sample.is_sampled(t)) sample.advantages[t] = static_cast<float>(whiten(advantages[t]));
    }
}

}  // namespace cohort
