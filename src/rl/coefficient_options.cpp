#include <cmath>

#include "base/check.h"
#include "rl/coefficient.h"

namespace cohort {
namespace {

void at_least(const char* name, double found, double low) {
  if (!(found >= low && std::isfinite(found)))
    fail("{}: expected a number of at least {}, found {}", name, low, found);
}

void above_0(const char* name, double found) {
  if (!(found > 0 && std::isfinite(found))) fail("{}: expected a number above 0, found {}", name, found);
}

}  // namespace

void check(const CoefficientOptions& o) {
  const bool cispo = o.loss_type == LossType::cispo, gmpo = o.loss_type == LossType::gmpo;
  const bool unclipped = o.loss_type == LossType::sapo || o.loss_type == LossType::vespo;
  if (!(o.epsilon >= 0 && o.epsilon < 1)) fail("epsilon: expected a number in [0, 1), found {}", o.epsilon);
  if (o.epsilon_high) at_least("epsilon_high", *o.epsilon_high, 0);
  if (cispo && !o.epsilon_high)
    fail(
        "epsilon_high: expected the largest ratio that loss_type cispo lets pass (5.0 is usual), found none");
  at_least("beta", o.beta, 0);
  if (o.delta && (cispo || gmpo || unclipped))
    fail(
        "delta: expected none, for it bounds the ratio of a clipped loss_type (grpo, bnpo, dr_grpo, dapo, "
        "luspo), "
        "found {}",
        *o.delta);
  if (o.delta && !(*o.delta > o.clip_high() && std::isfinite(*o.delta)))
    fail("delta: expected a number above 1 + epsilon_high = {}, found {}", o.clip_high(), *o.delta);
  const bool by_itself = gmpo || o.loss_type == LossType::vespo || o.loss_type == LossType::r1;
  if (o.importance_sampling_level == ImportanceLevel::sequence && by_itself)
    fail(
        "importance_sampling_level: expected token, for loss_type gmpo, vespo and r1 weigh sequences by "
        "themselves, found sequence");
  above_0("sapo_temperature_neg", o.sapo_temperature_neg);
  above_0("sapo_temperature_pos", o.sapo_temperature_pos);
  at_least("vespo_k_pos", o.vespo_k_pos, 0);
  at_least("vespo_k_neg", o.vespo_k_neg, 0);
  at_least("vespo_lambda_pos", o.vespo_lambda_pos, 1e-4);
  at_least("vespo_lambda_neg", o.vespo_lambda_neg, 1e-4);
  if (!std::isfinite(o.entropy_coef))
    fail("entropy_coef: expected a finite number, found {}", o.entropy_coef);
  if (o.off_policy_mask_threshold) at_least("off_policy_mask_threshold", *o.off_policy_mask_threshold, 0);
  if (!(o.top_entropy_quantile > 0 && o.top_entropy_quantile <= 1))
    fail("top_entropy_quantile: expected a number in (0, 1], found {}", o.top_entropy_quantile);
}

}  // namespace cohort
