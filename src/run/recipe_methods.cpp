// What the methods make of a recipe: their defaults, the options that each of them reads, and what cannot be
// trained as written.
#include <algorithm>

#include "base/check.h"
#include "reward/reward.h"
#include "rl/methods.h"
#include "run/method_options.h"
#include "run/recipe.h"

namespace cohort {
namespace {

struct MethodOptions {
  std::string_view methods;  // separated by spaces
  std::vector<std::string_view> options;
};

// Options that only some methods read. What is not here, every method reads.
const std::vector<MethodOptions>& method_options() {
  static const std::vector<MethodOptions> table = {
      {"grpo trpo",
       {"scale_rewards", "multi_objective_aggregation", "advantage_estimator", "supervision",
        "step_separator", "process_reward_model"}},
      {"grpo",
       {"filter_groups", "max_num_gen_batches", "offline_rollouts", "importance_sampling_mode",
        "importance_sampling_clip_max", "importance_sampling_clip_min"}},
      {"grpo ppo distill",
       {"epsilon", "epsilon_high", "delta", "importance_sampling_level", "entropy_coef", "target_entropy",
        "entropy_coef_delta", "sapo_temperature_neg", "sapo_temperature_pos", "vespo_k_pos",
        "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg", "off_policy_mask_threshold",
        "top_entropy_quantile"}},
      {"grpo", {"use_bias_correction_kl", "kl_estimator", "use_kl_in_reward"}},
      {"grpo ppo", {"kl_coef", "kl_target", "kl_horizon"}},
      {"grpo dpo", {"beta"}},
      {"grpo ppo", {"sync_ref_model", "ref_model_mixup_alpha", "ref_model_sync_steps"}},
      {"grpo ppo online-rft distill", {"num_iterations", "steps_per_generation"}},
      {"grpo ppo online-rft distill trpo", {"keep_rollout_activations", "mask_truncated_completions"}},
      {"grpo ppo online-rft distill trpo rft",
       {"num_generations", "offload_reward_models", "max_tool_calling_iterations", "tool_fence",
        "tool_command", "tool_output_length", "tool_timeout", "tool_stateful"}},
      {"grpo",
       {"steps_per_iteration", "reward_model_label", "reward_model_learning_rate", "reward_model_batch_size",
        "replay_fraction"}},
      {"sft", {"completion_only_loss", "assistant_only_loss"}},
      {"dpo", {"label_smoothing"}},
      {"rft", {"reward_threshold"}},
      {"distill", {"teacher_model"}},
      {"ppo",
       {"critic_model", "critic_learning_rate", "gamma", "lam", "whiten_advantages", "vf_coef",
        "cliprange_value"}},
      {"trpo",
       {"target_kl", "cg_max_steps", "cg_damping", "line_search_shrinking_factor", "line_search_max_iter"}},
      {"sft rft online-rft dpo ppo grpo distill",
       {"learning_rate", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm",
        "lr_scheduler_type", "warmup_steps"}},
  };
  return table;
}

bool names(std::string_view methods, std::string_view method) {
  for (size_t begin = 0; begin < methods.size();) {
    const size_t end = std::min(methods.find(' ', begin), methods.size());
    if (methods.substr(begin, end - begin) == method) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

Recipe default_recipe(const std::string& method) {
  Recipe recipe;
  recipe.method = method;
  if (method == "sft" || method == "rft") recipe.learning_rate = 2e-5;
  if (method == "ppo") recipe.num_generations = 1;
  if (method == "dpo") recipe.beta = 0.1;
  return recipe;
}

void check_method_options(const Recipe& recipe, std::span<const std::string> changed) {
  for (const MethodOptions& row : method_options())
    for (std::string_view option : row.options)
      if (!names(row.methods, recipe.method) &&
          std::find(changed.begin(), changed.end(), option) != changed.end())
        fail("{}: method {} does not read it (methods that do: {}); take it out, or change the method",
             option, recipe.method, row.methods);
}

namespace {

// Where the rewards pay no penalty, its options would say nothing.
void check_kl_in_reward(const Recipe& r) {
  const Recipe usual;
  const char* unread = r.kl_coef != usual.kl_coef         ? "kl_coef"
                       : r.kl_target != usual.kl_target   ? "kl_target"
                       : r.kl_horizon != usual.kl_horizon ? "kl_horizon"
                                                          : nullptr;
  if (!r.use_kl_in_reward) {
    if (unread) fail("{}: only the penalty in the reward reads it; expected use_kl_in_reward true", unread);
    return;
  }
  if (r.kl_coef == 0) fail("kl_coef: use_kl_in_reward needs more than 0, found 0");
  if (r.supervision == "process")
    fail(
        "use_kl_in_reward: with supervision process rewards belong to steps; expected false (beta has the KL "
        "term in "
        "the loss)");
  if (r.multi_objective_aggregation == "normalize_then_sum")
    fail(
        "use_kl_in_reward: with normalize_then_sum rewards are compared one by one; expected "
        "multi_objective_aggregation sum_then_normalize");
}

// Iterative GRPO needs one reward model to train, a rule to label its pairs, and whole rollouts.
void check_iterations(const Recipe& r) {
  int64_t models = 0;
  bool labels = false;
  for (const std::string& name : r.reward_funcs) {
    models += name.starts_with(kModelReward);
    labels |= name == r.reward_model_label && !name.starts_with(kModelReward);
  }
  if (models != 1)
    fail("steps_per_iteration: expected one model:PATH among reward_funcs, which goes on training, found {}",
         models);
  if (!labels)
    fail("reward_model_label: expected a rule among reward_funcs, which says what is right, found \"{}\"",
         r.reward_model_label);
  if (!r.reward_routes.empty())
    fail("reward_routes: with steps_per_iteration every row is judged by the same rewards; expected none");
  if (r.offload_reward_models)
    fail("offload_reward_models: a reward model that goes on training stays in memory; expected false");
  if (r.sync_ref_model)
    fail(
        "sync_ref_model: with steps_per_iteration the reference becomes the policy at the end of each; "
        "expected false");
  if (r.steps_per_iteration % (r.steps_per_generation * r.num_iterations) != 0)
    fail("steps_per_iteration ({}) must be a multiple of steps_per_generation x num_iterations ({})",
         r.steps_per_iteration, r.steps_per_generation * r.num_iterations);
}

}  // namespace

void Recipe::validate() const {
  if (model.empty()) fail("model: expected a Hugging Face folder or a GGUF file, found nothing");
  if (data.empty()) fail("data: expected a JSONL file or the name of a built-in task, found nothing");
  if (output_dir.empty()) fail("output_dir: expected a folder for the run, found nothing");
  check_steps();
  if (load_best_model_at_end && eval_steps == 0)
    fail("load_best_model_at_end needs evaluations: set eval_steps");
  if (load_best_model_at_end && save_steps > 0 && save_steps % eval_steps != 0)
    fail(
        "load_best_model_at_end: save_steps ({}) must be a multiple of eval_steps ({}), so that each "
        "checkpoint has been evaluated",
        save_steps, eval_steps);
  const Method& row = find_method(method);
  check_lora();
  if (row.update == UpdateRule::trpo && (freeze_embeddings || freeze_layers > 0))
    fail("{}: trpo's step is one of all weights; expected {}",
         freeze_embeddings ? "freeze_embeddings" : "freeze_layers", freeze_embeddings ? "false" : "0");
  if (use_peft && sync_ref_model && ref_model_mixup_alpha != 1)
    fail("ref_model_mixup_alpha: two adapters cannot be mixed; with use_peft expected 1 (a reset), found {}",
         format_double(ref_model_mixup_alpha));
  if (row.source == Source::pairs && !(beta > 0))
    fail("beta: dpo needs more than 0, found {}", format_double(beta));
  if (method == "distill" && teacher_model.empty())
    fail("teacher_model: distill needs the model to learn from, found nothing");
  if (row.source != Source::policy && steps_per_generation != 1)
    fail("steps_per_generation: {} has no rollouts to share; expected 1, found {}", method,
         steps_per_generation);
  if (row.source == Source::file || row.source == Source::pairs) return;
  const bool compares = row.credit == group_advantages;
  if (!reward_weights.empty() && reward_weights.size() != reward_funcs.size())
    fail("reward_weights: expected {} weights, one for each of reward_funcs, found {}", reward_funcs.size(),
         reward_weights.size());
  if (reward_funcs.empty() && method != "distill")
    fail("reward_funcs: {} needs at least one reward function, found none", method);
  if (multi_objective_aggregation == "normalize_then_sum" &&
      !(reward_gates.empty() && reward_factors.empty() && reward_routes.empty()))
    fail(
        "multi_objective_aggregation: normalize_then_sum compares each reward by itself; expected no "
        "reward_gates, "
        "reward_factors or reward_routes");
  if (row.source == Source::initial_policy) return;
  if (load_best_model_at_end && eval_steps % (steps_per_generation * num_iterations) != 0)
    fail(
        "load_best_model_at_end: eval_steps ({}) must be a multiple of steps_per_generation x num_iterations "
        "({}): "
        "checkpoints stand between rollouts",
        eval_steps, steps_per_generation * num_iterations);
  if (compares && num_generations < 2)
    fail("num_generations: {} compares the completions of a prompt; expected at least 2, found {}", method,
         num_generations);
  if (row.update == UpdateRule::trpo && (loss_type == "cispo" || loss_type == "sapo" ||
                                         loss_type == "vespo" || loss_type == "gmpo" || loss_type == "r1"))
    fail(
        "loss_type: {} has a policy term of its own, and trpo's is ratio x advantage; expected grpo, bnpo, "
        "dr_grpo, dapo or luspo",
        loss_type);
  if (train_batch_size % num_generations != 0)
    fail("train_batch_size ({}) must be a multiple of num_generations ({}): a group is trained on as a whole",
         train_batch_size, num_generations);
  // The gradient is that of log softmax(logits / temperature); a truncated sample was drawn from another
  // distribution.
  const char* truncated = top_p < 1 ? "top_p" : top_k > 0 ? "top_k" : min_p > 0 ? "min_p" : nullptr;
  if (truncated)
    fail(
        "{}: completions sampled from a truncated distribution are not on-policy for {}: expected top_p 1, "
        "top_k 0 and min_p 0 (eval and generate take them)",
        truncated, method);
  if (offline_rollouts && loss_type == "vespo")
    fail(
        "loss_type: vespo with offline_rollouts needs the sampler's ratio inside its weights, which is not "
        "there; expected another");
  if (offline_rollouts && (filter_groups || keep_rollout_activations == "true"))
    fail("{}: with offline_rollouts nothing is sampled; expected \"{}\"",
         filter_groups ? "filter_groups" : "keep_rollout_activations", filter_groups ? "false" : "auto");
  if (max_tool_calling_iterations > 0 && (offline_rollouts || keep_rollout_activations == "true"))
    fail("{}: completions with tools are sampled in turns, whose activations are not kept; expected \"{}\"",
         offline_rollouts ? "offline_rollouts" : "keep_rollout_activations",
         offline_rollouts ? "false" : "auto");
  if (filter_groups && keep_rollout_activations == "true")
    fail(
        "keep_rollout_activations: with filter_groups a rollout is several draws, whose activations are not "
        "kept; expected \"auto\" or \"false\"");
  if (steps_per_iteration > 0) check_iterations(*this);
  if (method == "grpo") check_kl_in_reward(*this);
  if (sync_ref_model && !needs_reference(*this, row))
    fail("sync_ref_model: there is no reference to move; expected {} above 0",
         method == "ppo" ? "kl_coef" : "beta");
  if (supervision == "process" && advantage_estimator != "grpo")
    fail(
        "supervision: step rewards are compared within the group; expected advantage_estimator grpo, found "
        "{}",
        advantage_estimator);
  if (supervision == "process" && loss_type == "r1")
    fail(
        "loss_type: r1 has one term of the whole completion, and supervision process an advantage for each "
        "token; "
        "expected another loss_type");
  if (supervision != "process" && !process_reward_model.empty())
    fail("process_reward_model: it judges steps; expected supervision process, found {}", supervision);
  if (supervision == "process" && step_separator.empty())
    fail("step_separator: expected the text that ends a step, found nothing");
  if (delta && *delta <= 1 + epsilon_high.value_or(epsilon))
    fail("delta: expected more than 1 + epsilon_high = {}, found {}",
         format_double(1 + epsilon_high.value_or(epsilon)), format_double(*delta));
}

}  // namespace cohort
