#include <array>

#include "cli/cli.h"

namespace cohort {
namespace {

// Files command_reward_NAME.cpp. The group stands in cli.cpp's list as soon as it has one.
constexpr std::array<const Command*, 1> kCommands{&kRewardLabelCommand};

}  // namespace

const Command kRewardCommand = {
    .name = "reward",
    .summary = "reward models: train one, judge one, label steps for one",
    .usage = "cohort reward COMMAND [--option value]...",
    .example = "cohort reward train --model runs/quickstart/base --data pairs.jsonl --output_dir runs/reward",
    .options = nullptr,
    .run = nullptr,
    .subcommands = kCommands};

}  // namespace cohort
