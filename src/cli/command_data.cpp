#include "cli/cli.h"

namespace cohort {
namespace {

// Files command_data_NAME.cpp.
constexpr const Command* kDataCommands[] = {&kDataMakeCommand, &kDataHeadCommand, &kDataStatsCommand, &kDataConvertCommand};

}  // namespace

const Command kDataCommand = {.name = "data",
                              .summary = "rows of problems: make them from a built-in task, look at them, count their tokens, convert them",
                              .usage = "cohort data COMMAND [--option value]...",
                              .example = "cohort data make --data carries --task_digits 3 --task_problems 5",
                              .options = nullptr,
                              .run = nullptr,
                              .subcommands = kDataCommands};

}  // namespace cohort
