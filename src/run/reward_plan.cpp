#include "run/reward_plan.h"

#include <algorithm>
#include <functional>

#include "run/plan_memory.h"

namespace cohort {

Plan make_reward_plan(const RewardRecipe& r, const ModelConfig& c, std::span<const RewardExample> train) {
  std::vector<int64_t> tokens;
  int64_t ends = 0;  // most of a row
  for (const RewardExample& example : train) {
    tokens.push_back(example.tokens());
    int64_t own = 0;
    for (const JudgedCompletion& completion : example.completions)
      own += static_cast<int64_t>(completion.ends.size());
    ends = std::max(ends, own);
  }
  std::sort(tokens.begin(), tokens.end(), std::greater<>());
  const int64_t longest = tokens.empty() ? 1 : tokens[0];
  Plan plan;
  for (size_t i = 0; i < tokens.size() && static_cast<int64_t>(i) < r.train_batch_size; ++i)
    plan.tokens_per_step += tokens[i];
  const auto [parameters, weights, packed] = model_size(c);
  plan.parameters = plan.trained = parameters;
  const int64_t micro = std::min(std::max(r.micro_batch_tokens, longest), plan.tokens_per_step);
  plan.memory = {
      {"weights, and packed for the kernels", weights + packed},
      {"gradients", weights},
      {"optimizer moments", 2 * weights},
      {"activations of a micro-batch",
       activation_bytes(
           c, {micro, r.train_batch_size * ends, plan.tokens_per_step, r.gradient_checkpointing, {}})}};
  const double all = static_cast<double>(plan.tokens_per_step);
  plan.flops_per_step = 6 * matrix_parameters(c, c.num_hidden_layers) * all +
                        6 * static_cast<double>(c.num_hidden_layers * c.attention_width() * longest) * all;
  return plan;
}

void check(const Plan& plan, int64_t limit, const RewardRecipe& recipe) {
  if (plan.total_bytes() <= limit) return;
  refuse(plan, limit,
         recipe.gradient_checkpointing
             ? "lower micro_batch_tokens, max_length or train_batch_size"
             : "lower micro_batch_tokens, max_length or train_batch_size, set gradient_checkpointing = true");
}

}  // namespace cohort
