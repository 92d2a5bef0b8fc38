#include "base/check.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/command_support.h"
#include "run/reward_training.h"
#include "web/report.h"

namespace cohort {
namespace {

void declare_reward_train(OptionTable& table, RewardRecipe& recipe) { add_reward_options(table, recipe, true); }

int run_reward_train(std::span<const std::string> arguments) {
  RewardRecipe recipe;
  OptionTable table;
  declare_reward_train(table, recipe);
  const std::vector<std::string> files = table.read_arguments(arguments);
  if (files.size() > 1) fail("reward train: expected one recipe file, found also {}", files[1]);
  if (!files.empty()) {  // the file first, then what the command line says
    table.read_file(files[0]);
    table.read_arguments(arguments);
  }
  require_option("reward train", "model", !recipe.model.empty(), kModelExpected);
  require_option("reward train", "data", !recipe.data.empty(), "a JSONL file");
  require_option("reward train", "output_dir", !recipe.output_dir.empty(), "a folder for the run");
  const bool finished = train_reward(recipe, stop_on_signals());
  log_info("{}", write_report(recipe.output_dir).string());
  return finished ? 0 : 130;
}

}  // namespace

const Command kRewardTrainCommand = {
    "train",
    "train a reward model on pairs, judged completions or judged steps",
    "cohort reward train [RECIPE.toml] --model DIR|GGUF --data FILE --output_dir DIR [--option value]...",
    "cohort reject --model runs/quickstart/base --data addition --task_digits 3 --task_problems 300 "
    "--reward_funcs answer_tag --output kept.jsonl --pairs pairs.jsonl --max_completion_length 64\n"
    "cohort reward train --model runs/quickstart/base --data pairs.jsonl --output_dir runs/reward",
    options_help<RewardRecipe, declare_reward_train>,
    run_reward_train};

}  // namespace cohort
