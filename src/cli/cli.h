// The command line: `cohort COMMAND ...`. One Command per file command_NAME.cpp, listed in cli.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

struct Command {
  std::string_view name;
  std::string_view summary;  // one line, for `cohort --help`
  std::string_view usage;    // "cohort report RUN_FOLDER"
  std::string_view example;  // one command, or several on lines of their own, that work as they stand
  std::string (*options)();  // OptionTable::help(), empty where there are none
  // `arguments` follow the command's name. Returns the exit status; bad input throws Error.
  int (*run)(std::span<const std::string> arguments);
  // A group (`cohort reward train`) has these in place of options and run.
  std::span<const Command* const> subcommands = {};
};

std::span<const Command* const> commands();

// Dispatches: a command or a group's, `--help`, `--version`, `COMMAND --help`, `help COMMAND`. An Error is
// printed to standard error as one line; the exit status is then 1. Never throws.
int run_command_line(std::span<const std::string> arguments);

// Files command_NAME.cpp.
extern const Command kQuickstartCommand, kTrainCommand, kGenerateCommand, kEvalCommand, kScoreCommand,
    kPlanCommand, kReportCommand, kRejectCommand, kRewardCommand, kRewardTrainCommand, kRewardEvalCommand,
    kRewardLabelCommand, kRewardScoreCommand, kInitCommand, kDataCommand, kDataMakeCommand, kDataHeadCommand,
    kDataStatsCommand, kDataConvertCommand, kExportCommand, kInspectCommand, kChatCommand, kMergeCommand,
    kAddTokensCommand;

}  // namespace cohort
