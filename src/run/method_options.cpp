#include "run/method_options.h"

namespace cohort {
namespace {

LossType loss_type(const std::string& name) {
  for (const auto& [known, type] :
       std::initializer_list<std::pair<const char*, LossType>>{{"grpo", LossType::grpo},
                                                               {"bnpo", LossType::bnpo},
                                                               {"dr_grpo", LossType::dr_grpo},
                                                               {"cispo", LossType::cispo},
                                                               {"sapo", LossType::sapo},
                                                               {"luspo", LossType::luspo},
                                                               {"vespo", LossType::vespo},
                                                               {"gmpo", LossType::gmpo},
                                                               {"r1", LossType::r1}})
    if (name == known) return type;
  return LossType::dapo;
}

}  // namespace

int64_t prompts_per_rollout(const Recipe& r, const Method& method) {
  return method.sampled() ? r.prompts_per_rollout() : r.train_batch_size;
}

int64_t steps_per_rollout(const Recipe& r, const Method& method) {
  return method.sampled() ? r.steps_per_generation * r.num_iterations : 1;
}

TrainerOptions trainer_options(const Recipe& r, const Method& method) {
  TrainerOptions o;
  o.coefficient = method.coefficient;
  o.coefficients.epsilon = r.epsilon;
  o.coefficients.epsilon_high = r.epsilon_high;
  o.coefficients.delta = r.delta;
  o.coefficients.beta = r.beta;
  o.coefficients.use_bias_correction_kl = r.use_bias_correction_kl;
  o.coefficients.importance_sampling_level =
      r.importance_sampling_level == "sequence" ? ImportanceLevel::sequence : ImportanceLevel::token;
  o.coefficients.loss_type = loss_type(r.loss_type);
  o.coefficients.kl_estimator = r.kl_estimator == "k1"   ? KlEstimator::k1
                                : r.kl_estimator == "k2" ? KlEstimator::k2
                                                         : KlEstimator::k3;
  o.coefficients.sapo_temperature_neg = r.sapo_temperature_neg;
  o.coefficients.sapo_temperature_pos = r.sapo_temperature_pos;
  o.coefficients.vespo_k_pos = r.vespo_k_pos;
  o.coefficients.vespo_lambda_pos = r.vespo_lambda_pos;
  o.coefficients.vespo_k_neg = r.vespo_k_neg;
  o.coefficients.vespo_lambda_neg = r.vespo_lambda_neg;
  o.coefficients.off_policy_mask_threshold = r.off_policy_mask_threshold;
  o.coefficients.top_entropy_quantile = r.top_entropy_quantile;
  o.coefficients.entropy_coef = r.entropy_coef;
  o.coefficients.label_smoothing = r.label_smoothing;
  o.coefficients.vf_coef = r.vf_coef;
  o.coefficients.cliprange_value = r.cliprange_value;
  check(o.coefficients);
  o.normalize.loss_type = loss_type(r.loss_type);
  o.normalize.max_completion_length = static_cast<int32_t>(r.max_completion_length);
  o.by_pair = method.source == Source::pairs;
  if (method.update == UpdateRule::trpo)
    o.trpo = TrpoOptions{r.target_kl, r.cg_max_steps, r.cg_damping, r.line_search_shrinking_factor,
                         r.line_search_max_iter};
  o.adamw = r.adamw();
  o.max_grad_norm = r.max_grad_norm;
  o.temperature = method.sampled() ? static_cast<float>(r.temperature) : 1.0f;
  o.micro_batch_tokens = r.micro_batch_tokens;
  o.gradient_checkpointing = r.gradient_checkpointing;
  return o;
}

bool kl_in_reward(const Recipe& r, const Method& method) { return method.critic || r.use_kl_in_reward; }

namespace {

CreditRule credit_rule(const Recipe& r, const Method& method) {
  if (r.supervision == "process") return process_advantages;
  if (r.advantage_estimator == "rloo") return leave_one_out_advantages;
  if (r.advantage_estimator == "reinforce_plus_plus")
    return r.use_kl_in_reward ? gae_advantages : batch_advantages;
  if (r.advantage_estimator == "reinforce_plus_plus_baseline") return group_baseline_advantages;
  return method.credit;
}

}  // namespace

void give_credit(const Recipe& r, const Method& method, const CreditOptions& options,
                 std::span<Group> groups) {
  const CreditRule rule = credit_rule(r, method);
  if (kl_in_reward(r, method) && rule != gae_advantages) return credit_with_kl(rule, groups, options);
  rule(groups, options);
}

CreditOptions credit_options(const Recipe& r, const Method& method) {
  CreditOptions o;
  o.scale_rewards = r.scale_rewards == "group"   ? ScaleRewards::group
                    : r.scale_rewards == "batch" ? ScaleRewards::batch
                                                 : ScaleRewards::none;
  if (r.multi_objective_aggregation == "normalize_then_sum")
    o.multi_objective_aggregation = RewardAggregation::normalize_then_sum;
  o.reward_weights = r.reward_weights;
  o.kl_coef = r.kl_coef;
  o.gamma = r.gamma;
  o.lam = method.critic ? r.lam : 1;  // REINFORCE++ is reward-to-go
  o.whiten_advantages = r.whiten_advantages;
  return o;
}

ImportanceOptions importance_options(const Recipe& r) {
  const std::string& mode = r.importance_sampling_mode;
  ImportanceOptions o;
  o.mode = mode == "token_truncate"      ? ImportanceMode::token_truncate
           : mode == "token_mask"        ? ImportanceMode::token_mask
           : mode == "sequence_truncate" ? ImportanceMode::sequence_truncate
                                         : ImportanceMode::sequence_mask;
  o.clip_max = r.importance_sampling_clip_max;
  o.clip_min = r.importance_sampling_clip_min;
  return o;
}

bool needs_reference(const Recipe& r, const Method& method) {
  switch (method.other) {
    case Other::none:
      return false;
    case Other::reference:
      return r.beta > 0 || (kl_in_reward(r, method) && r.kl_coef > 0);
    case Other::always:
    case Other::teacher:
      return true;
  }
  return false;
}

}  // namespace cohort
