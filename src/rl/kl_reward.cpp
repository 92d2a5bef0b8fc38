// The KL penalty in the rewards of methods that compare whole completions: a completion pays for all of its
// tokens at once. PPO and REINFORCE++ have it token by token (gae.cpp).
#include <vector>

#include "base/check.h"
#include "rl/credit.h"

namespace cohort {

double kl_to_reference(const Sample& sample) {
  const size_t tokens = sample.completion_ids.size();
  COHORT_CHECK(sample.log_probs.size() == tokens && sample.ref_log_probs.size() == tokens,
               "{} log_probs and {} ref_log_probs of {} tokens", sample.log_probs.size(),
               sample.ref_log_probs.size(), tokens);
  double kl = 0;
  for (size_t t = 0; t < tokens; ++t)
    if (sample.is_sampled(t)) kl += double{sample.log_probs[t]} - double{sample.ref_log_probs[t]};
  return kl;
}

void credit_with_kl(CreditRule rule, std::span<Group> groups, const CreditOptions& options) {
  std::vector<double> rewards;
  for (Group& group : groups)
    for (Sample& sample : group.samples) {
      rewards.push_back(sample.reward);
      sample.reward -= options.kl_coef * kl_to_reference(sample);
    }
  rule(groups, options);
  size_t i = 0;
  for (Group& group : groups)
    for (Sample& sample : group.samples) sample.reward = rewards[i++];
}

}  // namespace cohort
