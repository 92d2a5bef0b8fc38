// The recipe of a training run: every setting of `cohort train`, with its default. Names and defaults are
// those of TRL 1.16 where it has them (GRPOConfig, SFTConfig, transformers' TrainingArguments), else verl's.
// docs/recipe.md lists them; the table in recipe.cpp is the source.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reward/settings.h"
#include "run/chat_format.h"
#include "run/lora_settings.h"
#include "run/optimizer_settings.h"

namespace cohort {

struct Recipe : OptimizerSettings, RewardSettings, ChatSettings, LoraSettings {
  // Run
  std::string method = "grpo";  // a row of rl/methods.cpp
  std::string model;            // a Hugging Face folder or a GGUF file
  std::string output_dir;       // the run folder
  int64_t seed = 42;
  bool resume = false;  // continue from the newest whole checkpoint of output_dir

  // Data
  std::string data;             // a JSONL file, or the name of a built-in task
  std::string eval_data;        // the same; empty: what holdout_fraction sets aside
  int64_t task_digits = 1;      // size of a built-in task's numbers
  std::vector<std::string> columns;  // NEW=OLD
  bool deduplicate = false;          // rows that repeat an earlier one are dropped
  int64_t task_problems = 0;    // problems of a built-in task; 0: as many as it has
  double holdout_fraction = 0;  // distinct prompts set aside for evaluation, by hash
  bool shuffle_dataset = true;
  std::string prompt_prefix, prompt_suffix;  // text around each prompt
  bool completion_only_loss = true;
  bool assistant_only_loss = true;
  bool offline_rollouts = false;
  int64_t max_prompt_length = 0;  // tokens; 0: what the context leaves. A longer prompt is an error

  // Tools in a rollout
  int64_t max_tool_calling_iterations = 0;  // 0: none
  std::string tool_fence = "python", tool_command = "python3";
  int64_t tool_output_length = 256;  // tokens
  double tool_timeout = 4;           // seconds
  bool tool_stateful = false;

  // Rewards
  std::string multi_objective_aggregation = "sum_then_normalize";
  bool offload_reward_models = false;
  double reward_threshold = 1.0;  // rft: a completion is right where its reward is at least this

  // Rollout
  int64_t num_generations = 8;
  int64_t max_completion_length = 512;
  double temperature = 1.0;
  double top_p = 1.0;
  int64_t top_k = 0;
  double min_p = 0.0;
  std::vector<std::string> stop;
  bool filter_groups = false;
  int64_t max_num_gen_batches = 10;
  bool ignore_eos = false;

  // Loss
  double beta = 0.0;
  double epsilon = 0.2;
  std::optional<double> epsilon_high;  // none: epsilon
  std::optional<double> delta;         // none: no upper bound on the ratio
  int64_t num_iterations = 1;
  std::string loss_type = "dapo";
  std::string scale_rewards = "group";
  std::string importance_sampling_level = "token";
  bool use_bias_correction_kl = true;
  bool mask_truncated_completions = false;
  std::string kl_estimator = "k3";
  double sapo_temperature_neg = 1.05, sapo_temperature_pos = 1.0;
  double vespo_k_pos = 2.0, vespo_lambda_pos = 3.0, vespo_k_neg = 3.0, vespo_lambda_neg = 2.0;
  std::optional<double> off_policy_mask_threshold;  // none: no sequence is left out
  double top_entropy_quantile = 1.0;
  double entropy_coef = 0.0;
  std::optional<double> target_entropy;  // none: entropy_coef stays as it is
  double entropy_coef_delta = 0.005;
  std::string importance_sampling_mode = "sequence_mask";
  std::optional<double> importance_sampling_clip_max = 3.0, importance_sampling_clip_min;  // none: no bound
  std::string advantage_estimator = "grpo";
  std::string supervision = "outcome";
  std::string step_separator = "\n";
  std::string process_reward_model;  // empty: steps are held against the row's
  double label_smoothing = 0.0;      // dpo

  // Reference and teacher
  bool sync_ref_model = false;
  double ref_model_mixup_alpha = 0.6;
  int64_t ref_model_sync_steps = 512;
  std::string teacher_model;  // distill

  // Iterations (grpo): of a reward model, and of the reference
  int64_t steps_per_iteration = 0;  // 0: none
  std::string reward_model_label;   // the rule among reward_funcs that says which completions are right
  double reward_model_learning_rate = 1e-5;
  int64_t reward_model_batch_size = 8;
  double replay_fraction = 0.1;

  // KL penalty in the reward (ppo, grpo)
  bool use_kl_in_reward = false;  // ppo always does
  double kl_coef = 0.05;
  double kl_target = 0.0;  // 0: kl_coef stays as it is
  double kl_horizon = 10000.0;

  // Critic (ppo)
  std::string critic_model;  // empty: starts as the policy
  double critic_learning_rate = 1e-5;
  double gamma = 1.0, lam = 0.95;
  bool whiten_advantages = true;
  double vf_coef = 0.1;
  double cliprange_value = 0.2;

  // Trust region (trpo); names and defaults are sb3-contrib's
  double target_kl = 0.01;
  int64_t cg_max_steps = 15;
  double cg_damping = 0.1;
  double line_search_shrinking_factor = 0.8;
  int64_t line_search_max_iter = 10;

  // Optimizer
  int64_t train_batch_size = 8;      // sequences per optimizer step, over all devices
  int64_t steps_per_generation = 1;  // optimizer steps that one rollout is split into

  // Evaluation and checkpoints
  int64_t eval_steps = 0;  // 0: no evaluation
  bool eval_on_start = true;
  int64_t eval_problems = 0;  // 0: all
  int64_t num_generations_eval = 8;
  int64_t save_steps = 500;      // 0: only at the end
  int64_t save_total_limit = 0;  // 0: keep all
  bool load_best_model_at_end = false;
  std::string metric_for_best_model;
  int64_t logging_steps = 10;

  // Machine: none of these changes a bit of the result
  int64_t num_threads = 0;  // 0: all cores
  int64_t micro_batch_tokens = 8192;
  bool gradient_checkpointing = false;
  std::string keep_rollout_activations = "auto";
  double memory_limit_gb = 0;  // 0: what the machine has free
  int64_t max_sequences = 256;
  double kv_memory_gb = 1.0;

  // Completions that one rollout samples, and the prompts that they answer.
  int64_t generation_batch_size() const { return train_batch_size * steps_per_generation; }
  int64_t prompts_per_rollout() const { return generation_batch_size() / num_generations; }

  // Refuses what cannot be trained as written; each message says what to change.
  void validate() const;
};

// The recipe with the defaults of its method (recipe_methods.cpp).
Recipe default_recipe(const std::string& method);

// Refuses options that another method than the recipe's reads: `changed` are the names that differ from the
// defaults.
void check_method_options(const Recipe& recipe, std::span<const std::string> changed);

// Declares every field of `recipe`, which must outlive the table.
void add_recipe_options(OptionTable& table, Recipe& recipe);
// Of them, those of tools in a rollout.
void add_tool_options(OptionTable& table, Recipe& recipe);

// `arguments` are those after `cohort train`: a recipe file (may be left out) and options that override it.
// Output goes to runs/NAME where output_dir is not given, NAME being the recipe file's. Validated.
Recipe load_recipe(std::span<const std::string> arguments);

// The recipe as it stands in the run folder: recipe.toml, every option with its value, the same bytes for the
// same values.
std::string resolved_recipe(const Recipe& recipe);

}  // namespace cohort
