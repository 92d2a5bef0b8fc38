#include <cstdio>

#include "cli/cli.h"
#include "cli/command_support.h"
#include "run/reward_dataset.h"
#include "run/reward_evaluation.h"
#include "run/reward_folder.h"

namespace cohort {
namespace {

void declare_reward_eval(OptionTable& table, RewardRecipe& recipe) { add_reward_options(table, recipe, false); }

int run_reward_eval(std::span<const std::string> arguments) {
  RewardRecipe recipe;
  OptionTable table;
  declare_reward_eval(table, recipe);
  read_options(table, "reward eval", arguments);
  require_option("reward eval", "model", !recipe.model.empty(), "the folder of a reward model");
  require_option("reward eval", "data", !recipe.data.empty(), "a JSONL file");
  use_threads(recipe.num_threads);
  RewardFolder model = RewardFolder::load(recipe.model);
  if (!table.was_set("loss") && !model.kind.loss.empty()) recipe.loss = model.kind.loss;
  if (!table.was_set("step_separator") && !model.kind.step_separator.empty())
    recipe.step_separator = model.kind.step_separator;
  const RewardDatasets data = load_reward_datasets(recipe, model.tokenizer, model.critic.config(), false);
  fmt::print("{}", describe(evaluate_reward(model.critic, data.train, 0, recipe.micro_batch_tokens, 0)));
  return 0;
}

}  // namespace

const Command kRewardEvalCommand = {
    "eval",
    "accuracy and calibration of a reward model on a file; rows are read as it was trained, or by --loss",
    "cohort reward eval --model DIR --data FILE [--option value]...",
    "cohort reward eval --model runs/reward/checkpoint-100 --data pairs.jsonl",
    options_help<RewardRecipe, declare_reward_eval>,
    run_reward_eval};

}  // namespace cohort
