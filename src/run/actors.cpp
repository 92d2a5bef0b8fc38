#include "run/actors.h"

#include "run/method_options.h"
#include "run/start.h"

namespace cohort {
namespace {

constexpr const char* kRewardModel = "reward_model";

// The critic at step 0: the policy's weights, or those of critic_model, with a scalar head of zeros; or a
// critic saved by a run, or a reward model, head included.
std::unique_ptr<Critic> first_critic(const Recipe& recipe, const Model& policy) {
  if (recipe.critic_model.empty()) {
    if (!policy.adapter()) return std::make_unique<Critic>(policy.config(), policy.flat());
    const Buffer merged = policy.copy_weights();
    merge_adapter(policy.config(), *policy.adapter(), merged.data());
    return std::make_unique<Critic>(policy.config(), merged.tensor({merged.size()}));
  }
  const std::filesystem::path folder = recipe.critic_model;
  std::unique_ptr<Critic> critic;
  if (has_scalar_head(folder)) {
    critic = std::make_unique<Critic>(Critic::load(folder, false, 0));
  } else {
    const Checkpoint start = load_merged_checkpoint(folder);
    critic = std::make_unique<Critic>(start.config, start.weights.tensor({start.weights.size()}));
  }
  if (critic->config().vocab_size != policy.config().vocab_size)
    fail("critic_model: {}: expected the policy's vocabulary of {} tokens, found {}", folder.string(),
         policy.config().vocab_size, critic->config().vocab_size);
  return critic;
}

std::unique_ptr<Critic> make_critic(const Recipe& recipe, const Method& method, const Model& policy,
                                    const std::optional<FoundCheckpoint>& resumed) {
  if (!method.critic) return nullptr;
  if (!resumed) return first_critic(recipe, policy);
  return std::make_unique<Critic>(Critic::load(resumed->folder / "critic", true, resumed->state.step));
}

Model start_model(const Recipe& recipe, Checkpoint& start) {
  if (recipe.use_peft) return make_frozen_model(start, recipe.base_dtype());
  load_weights(start);
  Model model = make_model(start);
  model.freeze(recipe.frozen());
  return model;
}

// The policy's start, where that is no model of its own: its base, beside the adapter that it started from.
std::unique_ptr<Reference> make_reference(const Recipe& recipe, const Method& method, Model& policy) {
  if (method.other == Other::teacher)
    return std::make_unique<Reference>(recipe.teacher_model, policy.config(), false);
  if (!recipe.use_peft)
    return std::make_unique<Reference>(recipe.model, policy.config(), reference_moves(recipe));
  return std::make_unique<Reference>(policy, starting_adapter(recipe, policy.config()));
}

}  // namespace

Actors::Actors(const Recipe& recipe, const Method& method, Checkpoint checkpoint,
               const std::optional<FoundCheckpoint>& resumed, std::span<RewardFunction> rewards)
    : start(std::move(checkpoint)),
      model(start_model(recipe, start)),
      optimizer(method.update == UpdateRule::adamw ? std::make_unique<Optimizer>(model) : nullptr),
      critic(make_critic(recipe, method, model, resumed)),
      trainer(model, optimizer.get(), trainer_options(recipe, method), critic.get()),
      reward_models(rewards, {start.tokenizer, start.config.vocab_size}, recipe.micro_batch_tokens) {
  if (!recipe.process_reward_model.empty())
    process_reward_model = std::make_unique<RewardModel>(
        recipe.process_reward_model, JudgedPolicy{start.tokenizer, start.config.vocab_size},
        recipe.micro_batch_tokens);
  if (process_reward_model) process_reward_model->expect_steps(recipe.step_separator);
  if (recipe.offload_reward_models) offload_reward_models();
  if (needs_reference(recipe, method)) reference = make_reference(recipe, method, model);
  if (!resumed) return;
  if (optimizer) load_optimizer(*resumed, *optimizer);
  if (reference) reference->load(resumed->folder);
  if (recipe.steps_per_iteration > 0)
    reward_models.first().go_on_from(resumed->folder / kRewardModel, resumed->state.reward_model_steps);
}

void Actors::offload_reward_models() {
  reward_models.offload();
  if (process_reward_model) process_reward_model->offload();
}

void Actors::save(const Recipe& recipe, const RunState& state) {
  const auto others = [&](const std::filesystem::path& folder) {
    if (critic) critic->save(folder / "critic", true);
    if (reference) reference->save(folder);
    if (recipe.steps_per_iteration > 0) reward_models.first().save(folder / kRewardModel, true);
  };
  save_run(recipe.output_dir, state, model, optimizer.get(), start, others, recipe.save_total_limit);
}

}  // namespace cohort
