#include "run/recipe.h"

#include "base/check.h"
#include "rl/methods.h"

namespace cohort {

void add_tool_options(OptionTable& t, Recipe& r) {
  t.section("Tools in a rollout (docs/tools.md)");
  t.add("max_tool_calling_iterations", &r.max_tool_calling_iterations,
        "blocks of code that the model may have run in a completion, what they print put in behind them; 0: "
        "none")
      .at_least(0)
      .at_most(1000);
  t.add("tool_fence", &r.tool_fence, "the word behind ``` that opens a block to run");
  t.add("tool_command", &r.tool_command, "what runs it in the sandbox, its file as last argument");
  t.add("tool_output_length", &r.tool_output_length, "most tokens of what a block printed")
      .at_least(16)
      .at_most(1 << 20);
  t.add("tool_timeout", &r.tool_timeout, "seconds of processor time for a block").above(0).at_most(3600);
  t.add("tool_stateful", &r.tool_stateful,
        "blocks that ran well are run again before later ones, so that these see their variables");
}

void add_recipe_options(OptionTable& t, Recipe& r) {
  t.section("Run");
  std::vector<std::string> names;
  for (const Method& m : methods()) names.emplace_back(m.name);
  t.add("method", &r.method, "what to train by; docs/methods.md says what each does").one_of(names);
  t.add("model", &r.model, "the model to start from: a Hugging Face folder or a GGUF file")
      .shown_as("DIR|GGUF");
  t.add("output_dir", &r.output_dir, "the run folder; runs/NAME for a recipe NAME.toml where it is not given")
      .shown_as("DIR");
  t.add("seed", &r.seed, "the same recipe and seed give the same bytes").at_least(0);
  t.add("resume", &r.resume, "continue from the newest whole checkpoint in output_dir").not_saved();

  add_lora_settings(t, r);

  t.section("Data");
  t.add("data", &r.data,
        "problems: a file of rows (docs/data.md: JSONL, JSON, CSV, Parquet; prompt, and what the rewards need; completion for "
        "sft), or the name of a built-in task")
      .shown_as("FILE|TASK");
  t.add("eval_data", &r.eval_data,
        "held-out problems, given as data is; where empty, those that holdout_fraction sets aside")
      .shown_as("FILE|TASK");
  t.add("columns", &r.columns, "other names for the columns of a file, each NEW=OLD, such as prompt=question");
  t.add("deduplicate", &r.deduplicate,
        "keep the first row of each distinct prompt; for sft and pairs, of each distinct prompt with its completions");
  t.add("task_digits", &r.task_digits, "a built-in task's difficulty: digits of its numbers, or how many there are").at_least(1).at_most(30);
  t.add("task_problems", &r.task_problems, "problems that a built-in task makes; 0: as many as it has")
      .at_least(0);
  t.add("holdout_fraction", &r.holdout_fraction,
        "share of the distinct prompts that is kept for evaluation, chosen by their hash")
      .at_least(0)
      .at_most(0.9);
  t.add("shuffle_dataset", &r.shuffle_dataset, "visit the problems in a new random order in each epoch");
  t.add("prompt_prefix", &r.prompt_prefix, "text put before every prompt");
  t.add("prompt_suffix", &r.prompt_suffix, "text put after every prompt");
  t.add("completion_only_loss", &r.completion_only_loss,
        "sft: train on completions (of a conversation: the assistant's turns); false: on prompts too");
  t.add("assistant_only_loss", &r.assistant_only_loss,
        "sft: of rows of messages train on the assistant's alone; false: on the whole conversation");
  add_chat_settings(t, r);
  t.add("offline_rollouts", &r.offline_rollouts,
        "train on completions that another engine drew, which data holds with their log_probs, instead of "
        "sampling");
  t.add("max_prompt_length", &r.max_prompt_length,
        "most tokens of a prompt; a longer one is an error; 0: what the model's context leaves beside "
        "max_completion_length")
      .at_least(0);

  add_reward_settings(t, r);
  t.add("multi_objective_aggregation", &r.multi_objective_aggregation,
        "several rewards: compare their weighted sum within the group, or normalise each and then sum")
      .one_of({"sum_then_normalize", "normalize_then_sum"});
  t.add("offload_reward_models", &r.offload_reward_models,
        "free the weights of reward models while they are not used; they are read again from their folders");
  t.add("reward_threshold", &r.reward_threshold, "rft keeps the completions whose reward is at least this");

  t.section("Rollout");
  t.add("num_generations", &r.num_generations, "completions of a prompt, judged against one another")
      .at_least(1);
  t.add("max_completion_length", &r.max_completion_length, "most tokens of a completion").at_least(1);
  t.add("temperature", &r.temperature, "the logits are divided by it, when sampling and when training")
      .above(0);
  t.add("top_p", &r.top_p, "nucleus sampling; 1 is off, and must be when training with grpo")
      .above(0)
      .at_most(1);
  t.add("top_k", &r.top_k,
        "sample among the k likeliest tokens; 0 is off, and must be when training with grpo")
      .at_least(0);
  t.add("min_p", &r.min_p,
        "drop tokens below this share of the likeliest one's probability; 0 is off, and must be when "
        "training with grpo")
      .at_least(0)
      .at_most(1);
  t.add("stop", &r.stop, "strings that end a completion, beside the end token");
  t.add(
      "filter_groups", &r.filter_groups,
      "grpo: draw prompts until the batch is full of groups whose rewards differ (DAPO's dynamic sampling)");
  t.add("max_num_gen_batches", &r.max_num_gen_batches,
        "filter_groups: most draws for one rollout; then the last one's groups fill it, whatever their "
        "rewards")
      .at_least(1);
  t.add("ignore_eos", &r.ignore_eos, "never end before max_completion_length (to measure speed)");

  add_tool_options(t, r);

  t.section("Loss");
  t.add("beta", &r.beta, "weight of the KL divergence from the reference model; 0: none is kept").at_least(0);
  t.add("epsilon", &r.epsilon, "the ratio of new to old probability is clipped below 1 - epsilon")
      .at_least(0)
      .at_most(1);
  t.add("epsilon_high", &r.epsilon_high, "and above 1 + epsilon_high; none: epsilon").at_least(0);
  t.add("delta", &r.delta,
        "upper bound of the ratio where the advantage is negative (two-sided clipping); none: no bound")
      .above(1);
  t.add("num_iterations", &r.num_iterations, "passes over the completions of one rollout (mu)").at_least(1);
  t.add(
       "loss_type", &r.loss_type,
       "how token losses are weighted: grpo 1/|o| within each completion; bnpo by the step's tokens; "
       "dr_grpo by "
       "a constant length; dapo by the whole rollout's tokens; luspo by samples; and with policy terms of "
       "their own "
       "cispo, vespo (weighted as dapo), sapo, gmpo, r1 (as grpo; r1: one ratio and one KL term of the whole "
       "completion)")
      .one_of({"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo", "gmpo", "r1"});
  t.add("scale_rewards", &r.scale_rewards,
        "divide the advantage by the standard deviation of its group, of the batch, or not at all")
      .one_of({"group", "batch", "none"});
  t.add("importance_sampling_level", &r.importance_sampling_level,
        "the ratio is each token's own, or one of the whole completion (GSPO)")
      .one_of({"token", "sequence"});
  t.add("use_bias_correction_kl", &r.use_bias_correction_kl,
        "multiply the KL term by the ratio, so that its gradient is that of the reverse KL; false: as in "
        "DeepSeekMath");
  t.add("importance_sampling_mode", &r.importance_sampling_mode,
        "offline_rollouts: the policy term is weighed by policy / sampler, each token's or the completion's, "
        "which is "
        "cut to its bounds or counts 0 outside of them")
      .one_of({"token_truncate", "token_mask", "sequence_truncate", "sequence_mask"});
  t.add("importance_sampling_clip_max", &r.importance_sampling_clip_max, "its upper bound; none: no bound")
      .above(0);
  t.add("importance_sampling_clip_min", &r.importance_sampling_clip_min, "its lower bound; none: no bound")
      .above(0);
  t.add("mask_truncated_completions", &r.mask_truncated_completions,
        "leave completions that were cut at the length limit out of the loss");
  t.add("kl_estimator", &r.kl_estimator, "of the KL term: k1, k2 or k3 (joschu.net/blog/kl-approx.html)")
      .one_of({"k1", "k2", "k3"});
  t.add("sapo_temperature_neg", &r.sapo_temperature_neg,
        "sapo: temperature of the gate where the advantage is negative")
      .above(0);
  t.add("sapo_temperature_pos", &r.sapo_temperature_pos, "sapo: and where it is positive").above(0);
  t.add("vespo_k_pos", &r.vespo_k_pos, "vespo: power of the ratio where the advantage is positive")
      .at_least(0);
  t.add("vespo_lambda_pos", &r.vespo_lambda_pos, "vespo: and decay").at_least(0);
  t.add("vespo_k_neg", &r.vespo_k_neg, "vespo: power of the ratio where the advantage is negative")
      .at_least(0);
  t.add("vespo_lambda_neg", &r.vespo_lambda_neg, "vespo: and decay").at_least(0);
  t.add("off_policy_mask_threshold", &r.off_policy_mask_threshold,
        "leave out completions of negative advantage whose mean log-ratio from sampling time exceeds this; "
        "none: keep all")
      .at_least(0);
  t.add("top_entropy_quantile", &r.top_entropy_quantile,
        "train only on this share of the tokens, those of the highest entropy; 1: all")
      .above(0)
      .at_most(1);
  t.add("entropy_coef", &r.entropy_coef, "weight of the entropy bonus").at_least(0);
  t.add("target_entropy", &r.target_entropy,
        "steer the entropy bonus: entropy_coef rises by entropy_coef_delta after each rollout whose mean "
        "entropy "
        "is below this and falls where it is above, and there is a bonus only while it is below; none: as it "
        "is")
      .at_least(0);
  t.add("entropy_coef_delta", &r.entropy_coef_delta, "how much entropy_coef moves at a time").above(0);
  t.add("advantage_estimator", &r.advantage_estimator,
        "grpo: compared with the group's mean; rloo: with the mean of the others of the group; "
        "reinforce_plus_plus: with "
        "the batch's; reinforce_plus_plus_baseline: with the group's, scaled by the batch's")
      .one_of({"grpo", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline"});
  t.add("supervision", &r.supervision,
        "grpo: one reward for the outcome, or one for each step, held against the row's `steps`")
      .one_of({"outcome", "process"});
  t.add("step_separator", &r.step_separator, "text, or a special token, that ends a step of a completion");
  t.add("process_reward_model", &r.process_reward_model,
        "supervision = process: the reward model, trained on steps, that judges them; empty: the row's "
        "`steps` do")
      .shown_as("DIR");
  t.add("label_smoothing", &r.label_smoothing, "dpo: the share of pairs whose labels are taken to be wrong")
      .at_least(0)
      .at_most(0.499999);

  t.section("Reference and teacher");
  t.add("sync_ref_model", &r.sync_ref_model, "move the reference towards the policy as training goes on");
  t.add("ref_model_mixup_alpha", &r.ref_model_mixup_alpha,
        "how far it moves: reference = alpha x policy + (1 - alpha) x reference; 1 is a reset")
      .above(0)
      .at_most(1);
  t.add("ref_model_sync_steps", &r.ref_model_sync_steps, "optimizer steps from one move to the next")
      .at_least(1);
  t.add("teacher_model", &r.teacher_model, "distill: the model to learn from, with the policy's vocabulary")
      .shown_as("DIR|GGUF");

  t.section("Iterations (grpo)");
  t.add("steps_per_iteration", &r.steps_per_iteration,
        "steps after which the reference becomes the policy and the reward model (model:PATH in "
        "reward_funcs) goes on "
        "training on the policy's samples; 0: never")
      .at_least(0);
  t.add("reward_model_label", &r.reward_model_label,
        "the rule among reward_funcs that says which of those samples are right (1); its weight may be 0");
  t.add("reward_model_learning_rate", &r.reward_model_learning_rate,
        "learning rate of the reward model, constant")
      .at_least(0);
  t.add("reward_model_batch_size", &r.reward_model_batch_size, "pairs for an update of the reward model")
      .at_least(1);
  t.add("replay_fraction", &r.replay_fraction, "share of its pairs that come from earlier iterations")
      .at_least(0)
      .at_most(0.9);

  t.section("KL penalty in the reward (ppo, grpo)");
  t.add("use_kl_in_reward", &r.use_kl_in_reward,
        "grpo: a completion's reward pays kl_coef x log(policy / reference), of all its tokens (with "
        "reinforce_plus_plus each token pays for those from it on); ppo always has it in its token rewards");
  t.add("kl_coef", &r.kl_coef,
        "weight of log(policy / reference) in the rewards; 0 (ppo): no reference model is kept")
      .at_least(0);
  t.add("kl_target", &r.kl_target,
        "KL divergence of a completion that kl_coef is steered towards; 0: kl_coef stays as it is")
      .at_least(0);
  t.add("kl_horizon", &r.kl_horizon, "completions over which it is steered").above(0);

  t.section("Critic (ppo)");
  t.add("critic_model", &r.critic_model, "what the critic starts as; empty: the policy's own weights")
      .shown_as("DIR|GGUF");
  t.add("critic_learning_rate", &r.critic_learning_rate, "peak learning rate of the critic").at_least(0);
  t.add("gamma", &r.gamma, "discount of later rewards").at_least(0).at_most(1);
  t.add("lam", &r.lam, "lambda of the generalised advantage estimation").at_least(0).at_most(1);
  t.add("whiten_advantages", &r.whiten_advantages, "bring the batch's advantages to mean 0 and variance 1");
  t.add("vf_coef", &r.vf_coef, "weight of the critic's loss").at_least(0);
  t.add("cliprange_value", &r.cliprange_value, "how far a value may move from that of sampling time")
      .at_least(0);

  t.section("Trust region (trpo)");
  t.add("target_kl", &r.target_kl,
        "bound of a step's KL divergence from the policy that sampled, a mean over the sampled tokens")
      .above(0);
  t.add("cg_max_steps", &r.cg_max_steps,
        "most steps of the conjugate gradient; each takes two forward passes and a backward pass")
      .at_least(1);
  t.add("cg_damping", &r.cg_damping,
        "added to the diagonal of the Fisher matrix: more makes the step shorter where the batch says little")
      .above(0);
  t.add("line_search_shrinking_factor", &r.line_search_shrinking_factor,
        "a step that breaks the bound, or gains nothing, is shortened by this factor")
      .above(0)
      .at_most(0.999999);
  t.add("line_search_max_iter", &r.line_search_max_iter,
        "lengths tried, a forward pass each; then the weights stay as they are")
      .at_least(1);

  t.section("Optimizer");
  t.add("train_batch_size", &r.train_batch_size,
        "sequences per optimizer step over all devices: completions (prompts x num_generations) for grpo, "
        "rows "
        "for sft; TRL's per_device_train_batch_size x gradient_accumulation_steps x devices")
      .at_least(1);
  t.add("steps_per_generation", &r.steps_per_generation,
        "optimizer steps that the completions of one rollout are shared among; a rollout samples "
        "train_batch_size x steps_per_generation completions (TRL's generation_batch_size)")
      .at_least(1);
  t.add("learning_rate", &r.learning_rate,
        "peak learning rate of AdamW; 1e-6 for grpo, 2e-5 for sft where it is not given; trpo has none")
      .at_least(0);
  add_optimizer_options(t, r, "problems");

  t.section("Evaluation and checkpoints");
  t.add("eval_steps", &r.eval_steps, "steps between evaluations on the held-out problems, by reward_funcs, or by the loss where sft and dpo have none; 0: none")
      .at_least(0);
  t.add("eval_on_start", &r.eval_on_start, "evaluate before the first step too");
  t.add("eval_problems", &r.eval_problems, "most problems of an evaluation; 0: all").at_least(0);
  t.add("num_generations_eval", &r.num_generations_eval, "completions of a prompt in an evaluation")
      .at_least(1);
  t.add("save_steps", &r.save_steps, "steps between checkpoints; 0: only at the end").at_least(0);
  t.add("save_total_limit", &r.save_total_limit, "checkpoints kept, the best and the newest always; 0: all")
      .at_least(0);
  t.add("load_best_model_at_end", &r.load_best_model_at_end,
        "the file `best` names the checkpoint that evaluated best, and that one is never removed");
  t.add("metric_for_best_model", &r.metric_for_best_model,
        "the metric that says which is best: more is better, less where its name ends in loss; empty: eval_accuracy, or eval_loss where no "
        "reward judges");
  t.add("logging_steps", &r.logging_steps,
        "steps between lines on the terminal; metrics.jsonl has every step")
      .at_least(1);

  t.section("Machine (none of these changes the result)");
  t.add("num_threads", &r.num_threads, "0: all cores").at_least(0).at_most(4096);
  t.add("micro_batch_tokens", &r.micro_batch_tokens, "tokens of a micro-batch: memory against speed")
      .at_least(1);
  t.add("gradient_checkpointing", &r.gradient_checkpointing,
        "recompute activations in the backward pass: less memory, a third more time");
  t.add("keep_rollout_activations", &r.keep_rollout_activations,
        "keep the activations of sampling and skip the training forward of the first update; auto: where "
        "memory allows")
      .one_of({"auto", "true", "false"});
  t.add("memory_limit_gb", &r.memory_limit_gb, "most memory to use; 0: what the machine has free")
      .at_least(0);
  t.add("max_sequences", &r.max_sequences, "completions decoded at the same time").at_least(1);
  t.add("kv_memory_gb", &r.kv_memory_gb, "memory of the key and value cache; sequences wait where it is full")
      .above(0);
}

Recipe load_recipe(std::span<const std::string> arguments) {
  std::filesystem::path file;
  std::vector<std::string> changed;
  const auto read = [&](Recipe& recipe) {
    OptionTable table;
    add_recipe_options(table, recipe);
    if (!file.empty()) table.read_file(file);
    const std::vector<std::string> positionals = table.read_arguments(arguments);
    if (positionals.size() > 1) fail("command line: expected one recipe file, found also {}", positionals[1]);
    if (!positionals.empty()) file = positionals[0];
    changed = table.changed();
  };
  // The recipe file is known from the command line, the method from both, and the defaults from the method.
  Recipe first;
  read(first);
  read(first);
  Recipe recipe = default_recipe(first.method);
  read(recipe);
  check_method_options(recipe, changed);
  if (recipe.output_dir.empty() && !file.empty()) recipe.output_dir = "runs/" + file.stem().string();
  recipe.validate();
  return recipe;
}

std::string resolved_recipe(const Recipe& recipe) {
  Recipe copy = recipe;
  OptionTable table;
  add_recipe_options(table, copy);
  return table.to_toml();
}

}  // namespace cohort
