#include "run/reward_recipe.h"

namespace cohort {

void add_reward_options(OptionTable& t, RewardRecipe& r, bool train) {
  t.section("Run");
  t.add("model", &r.model,
        train ? "what the model starts as: a language model, whose trunk it takes, or a reward model"
              : "a reward model (a checkpoint-N of reward train is one)")
      .shown_as(train ? "DIR|GGUF" : "DIR");
  if (train) {
    t.add("output_dir", &r.output_dir, "the run folder").shown_as("DIR");
    t.add("seed", &r.seed, "the same settings and seed give the same bytes").at_least(0);
    t.add("resume", &r.resume, "continue from the newest whole checkpoint in output_dir").not_saved();
  }

  t.section("Data");
  t.add("data", &r.data,
        "JSONL rows: prompt, chosen, rejected and perhaps margin for pairwise; prompt, completion, label for "
        "pointwise; prompt, completions, labels for stepwise")
      .shown_as("FILE");
  t.add("loss", &r.loss, "what the rows are: pairs (Bradley-Terry), judged completions, or judged steps")
      .one_of({"pairwise", "pointwise", "stepwise"});
  t.add("step_separator", &r.step_separator, "stepwise: text that joins the steps, and ends each");
  t.add("max_length", &r.max_length,
        "rows with more tokens than this, or than the model's context, are left out; 0: the context alone")
      .at_least(0);
  if (train) {
    t.add("eval_data", &r.eval_data, "held-out rows; where empty, those that holdout_fraction sets aside")
        .shown_as("FILE");
    t.add("holdout_fraction", &r.holdout_fraction,
          "share of the distinct prompts that is kept for evaluation, chosen by their hash")
        .at_least(0)
        .at_most(0.9);
    t.add("shuffle_dataset", &r.shuffle_dataset, "visit the rows in a new random order in each epoch");

    t.section("Loss and optimizer");
    t.add("center_rewards_coefficient", &r.center_rewards_coefficient,
          "pairwise: weight of (chosen + rejected)^2, which keeps rewards around 0; none: off")
        .at_least(0);
    t.add("train_batch_size", &r.train_batch_size, "rows per optimizer step").at_least(1);
    t.add("learning_rate", &r.learning_rate, "peak learning rate of AdamW").at_least(0);
    add_optimizer_options(t, r, "rows");

    t.section("Evaluation and checkpoints");
    t.add("eval_steps", &r.eval_steps, "steps between evaluations on the held-out rows; 0: only at the end")
        .at_least(0);
    t.add("save_steps", &r.save_steps, "steps between checkpoints; 0: only at the end").at_least(0);
    t.add("save_total_limit", &r.save_total_limit, "checkpoints kept; 0: all").at_least(0);
    t.add("logging_steps", &r.logging_steps,
          "steps between lines on the terminal; metrics.jsonl has every step")
        .at_least(1);
  }

  t.section("Machine (none of these changes the result)");
  t.add("num_threads", &r.num_threads, "0: all cores").at_least(0).at_most(4096);
  t.add("micro_batch_tokens", &r.micro_batch_tokens, "tokens of a micro-batch: memory against speed")
      .at_least(1);
  if (train) {
    t.add("gradient_checkpointing", &r.gradient_checkpointing,
          "recompute activations in the backward pass: less memory, a third more time");
    t.add("memory_limit_gb", &r.memory_limit_gb, "most memory to use; 0: what the machine has free")
        .at_least(0);
  }
}

std::string resolved_recipe(const RewardRecipe& recipe) {
  RewardRecipe copy = recipe;
  OptionTable table;
  add_reward_options(table, copy, true);
  return table.to_toml();
}

}  // namespace cohort
