#include "cli/cli.h"

namespace cohort {
namespace {

// Files command_reward_NAME.cpp.
constexpr const Command* kRewardCommands[] = {&kRewardTrainCommand, &kRewardEvalCommand, &kRewardLabelCommand,
                                        &kRewardScoreCommand};

}  // namespace

const Command kRewardCommand = {
    .name = "reward",
    .summary = "judge completions by rewards; reward models: train one, judge one, label steps for one",
    .usage = "cohort reward COMMAND [--option value]...",
    .example = "cohort reward train --model runs/quickstart/base --data pairs.jsonl --output_dir runs/reward",
    .options = nullptr,
    .run = nullptr,
    .subcommands = kRewardCommands};

}  // namespace cohort
