#include "run/recipe.h"

#include "base/check.h"

namespace cohort {

Recipe default_recipe(const std::string& method) {
  Recipe recipe;
  recipe.method = method;
  if (method == "sft") recipe.learning_rate = 2e-5;
  return recipe;
}

void add_recipe_options(OptionTable& t, Recipe& r) {
  t.section("Run");
  t.add("method", &r.method,
        "what to train by: group relative policy optimization, or supervised on completions")
      .one_of({"grpo", "sft"});
  t.add("model", &r.model, "the model to start from: a Hugging Face folder or a GGUF file")
      .shown_as("DIR|GGUF");
  t.add("output_dir", &r.output_dir, "the run folder; runs/NAME for a recipe NAME.toml where it is not given")
      .shown_as("DIR");
  t.add("seed", &r.seed, "the same recipe and seed give the same bytes").at_least(0);
  t.add("resume", &r.resume, "continue from the newest whole checkpoint in output_dir").not_saved();

  t.section("Data");
  t.add("data", &r.data,
        "problems: a JSONL file (a row has prompt, and what its rewards need; completion for sft), or the "
        "name of a "
        "built-in task")
      .shown_as("FILE|TASK");
  t.add("eval_data", &r.eval_data,
        "held-out problems, given as data is; where empty, those that holdout_fraction sets aside")
      .shown_as("FILE|TASK");
  t.add("task_digits", &r.task_digits, "digits of a built-in task's numbers").at_least(1).at_most(18);
  t.add("task_problems", &r.task_problems, "problems that a built-in task makes; 0: as many as it has")
      .at_least(0);
  t.add("holdout_fraction", &r.holdout_fraction,
        "share of the distinct prompts that is kept for evaluation, chosen by their hash")
      .at_least(0)
      .at_most(0.9);
  t.add("shuffle_dataset", &r.shuffle_dataset, "visit the problems in a new random order in each epoch");
  t.add("prompt_prefix", &r.prompt_prefix, "text put before every prompt");
  t.add("prompt_suffix", &r.prompt_suffix, "text put after every prompt");
  t.add("max_prompt_length", &r.max_prompt_length,
        "most tokens of a prompt; a longer one is an error; 0: what the model's context leaves beside "
        "max_completion_length")
      .at_least(0);

  t.section("Rewards");
  t.add("reward_funcs", &r.reward_funcs,
        "reward functions by name; evaluation counts a completion as correct where the first pays 1");
  t.add("reward_weights", &r.reward_weights, "a weight for each of reward_funcs; 1 each where empty");

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
  t.add("ignore_eos", &r.ignore_eos, "never end before max_completion_length (to measure speed)");

  t.section("Loss");
  t.add("beta", &r.beta, "weight of the KL divergence from the starting model; 0: no reference model is kept")
      .at_least(0);
  t.add("epsilon", &r.epsilon, "the ratio of new to old probability is clipped below 1 - epsilon")
      .at_least(0)
      .at_most(1);
  t.add("epsilon_high", &r.epsilon_high, "and above 1 + epsilon_high; none: epsilon").at_least(0);
  t.add("delta", &r.delta,
        "upper bound of the ratio where the advantage is negative (two-sided clipping); none: no bound")
      .above(1);
  t.add("num_iterations", &r.num_iterations, "passes over the completions of one rollout (mu)").at_least(1);
  t.add("loss_type", &r.loss_type,
        "how token losses are weighted: grpo 1/|o| within each completion; bnpo by the batch's active "
        "tokens; dr_grpo by a "
        "constant length; dapo by the active tokens of the whole optimizer step")
      .one_of({"grpo", "bnpo", "dr_grpo", "dapo"});
  t.add("scale_rewards", &r.scale_rewards,
        "divide the advantage by the standard deviation of its group, of the batch, or not at all")
      .one_of({"group", "batch", "none"});
  t.add("importance_sampling_level", &r.importance_sampling_level,
        "the ratio is each token's own, or one of the whole completion (GSPO)")
      .one_of({"token", "sequence"});
  t.add("use_bias_correction_kl", &r.use_bias_correction_kl,
        "multiply the KL term by the ratio, so that its gradient is that of the reverse KL; false: as in "
        "DeepSeekMath");
  t.add("mask_truncated_completions", &r.mask_truncated_completions,
        "leave completions that were cut at the length limit out of the loss");

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
        "peak learning rate of AdamW; 1e-6 for grpo, 2e-5 for sft where it is not given")
      .at_least(0);
  t.add("adam_beta1", &r.adam_beta1, "decay of the mean of the gradients").at_least(0).at_most(0.999999);
  t.add("adam_beta2", &r.adam_beta2, "decay of the mean of their squares").at_least(0).at_most(0.999999);
  t.add("adam_epsilon", &r.adam_epsilon, "added to the root of the latter").above(0);
  t.add("weight_decay", &r.weight_decay, "decoupled weight decay").at_least(0);
  t.add("max_grad_norm", &r.max_grad_norm, "the gradient is scaled down to this global norm; 0: never")
      .at_least(0);
  t.add("lr_scheduler_type", &r.lr_scheduler_type,
        "the learning rate after warm-up: constant, or falling to 0 at the last step")
      .one_of({"constant", "linear", "cosine"});
  t.add("warmup_steps", &r.warmup_steps, "steps of linear warm-up; below 1: a share of all steps")
      .at_least(0);
  t.add("max_steps", &r.max_steps, "optimizer steps of the run; -1: by num_train_epochs").at_least(-1);
  t.add("num_train_epochs", &r.num_train_epochs, "passes over the problems, where max_steps is -1").above(0);

  t.section("Evaluation and checkpoints");
  t.add("eval_steps", &r.eval_steps, "steps between evaluations on the held-out problems; 0: none")
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
        "the metric that says which is best; more is better");
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

void Recipe::validate() const {
  if (model.empty()) fail("model: expected a Hugging Face folder or a GGUF file, found nothing");
  if (data.empty()) fail("data: expected a JSONL file or the name of a built-in task, found nothing");
  if (output_dir.empty()) fail("output_dir: expected a folder for the run, found nothing");
  if (max_steps == 0) fail("max_steps: expected -1 (by num_train_epochs) or at least 1, found 0");
  if (load_best_model_at_end && eval_steps == 0)
    fail("load_best_model_at_end needs evaluations: set eval_steps");
  if (load_best_model_at_end && save_steps > 0 && save_steps % eval_steps != 0)
    fail(
        "load_best_model_at_end: save_steps ({}) must be a multiple of eval_steps ({}), so that each "
        "checkpoint has been evaluated",
        save_steps, eval_steps);
  if (method == "sft") {
    if (steps_per_generation != 1)
      fail("steps_per_generation: sft has no rollouts; expected 1, found {}", steps_per_generation);
    return;
  }
  if (load_best_model_at_end && eval_steps % (steps_per_generation * num_iterations) != 0)
    fail(
        "load_best_model_at_end: eval_steps ({}) must be a multiple of steps_per_generation x num_iterations "
        "({}): "
        "checkpoints stand between rollouts",
        eval_steps, steps_per_generation * num_iterations);
  if (num_generations < 2)
    fail("num_generations: grpo compares the completions of a prompt; expected at least 2, found {}",
         num_generations);
  if (train_batch_size % num_generations != 0)
    fail("train_batch_size ({}) must be a multiple of num_generations ({}): a group is trained on as a whole",
         train_batch_size, num_generations);
  if (reward_funcs.empty()) fail("reward_funcs: grpo needs at least one reward function, found none");
  if (!reward_weights.empty() && reward_weights.size() != reward_funcs.size())
    fail("reward_weights: expected {} weights, one for each of reward_funcs, found {}", reward_funcs.size(),
         reward_weights.size());
  // The gradient is that of log softmax(logits / temperature); a truncated sample was drawn from another
  // distribution.
  const char* truncated = top_p < 1 ? "top_p" : top_k > 0 ? "top_k" : min_p > 0 ? "min_p" : nullptr;
  if (truncated)
    fail(
        "{}: completions sampled from a truncated distribution are not on-policy for grpo: expected top_p 1, "
        "top_k 0 and min_p 0 (eval and generate "
        "take them)",
        truncated);
  if (delta && *delta <= 1 + epsilon_high.value_or(epsilon))
    fail("delta: expected more than 1 + epsilon_high = {}, found {}",
         format_double(1 + epsilon_high.value_or(epsilon)), format_double(*delta));
}

Recipe load_recipe(std::span<const std::string> arguments) {
  std::filesystem::path file;
  const auto read = [&](Recipe& recipe) {
    OptionTable table;
    add_recipe_options(table, recipe);
    if (!file.empty()) table.read_file(file);
    const std::vector<std::string> positionals = table.read_arguments(arguments);
    if (positionals.size() > 1) fail("command line: expected one recipe file, found also {}", positionals[1]);
    return positionals.empty() ? std::filesystem::path() : std::filesystem::path(positionals[0]);
  };
  // The recipe file is known from the command line, the method from both, and the defaults from the method.
  Recipe first;
  file = read(first);
  read(first);
  Recipe recipe = default_recipe(first.method);
  read(recipe);
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
