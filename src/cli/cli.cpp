#include "cli/cli.h"

#include <algorithm>
#include <cstdio>
#include <new>

#include "base/check.h"
#include "base/log.h"
#include "base/options.h"

namespace cohort {
namespace {

constexpr const char* kVersion = "0.1.0";

constexpr const Command* kCommands[] = {
    &kQuickstartCommand, &kTrainCommand, &kGenerateCommand, &kRejectCommand, &kEvalCommand, &kScoreCommand,
    &kRewardCommand,     &kPlanCommand,  &kReportCommand,   &kDataCommand,   &kInitCommand,
    &kExportCommand,     &kInspectCommand, &kChatCommand,   &kMergeCommand,
    &kAddTokensCommand};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string indented(std::string_view lines) {
  std::string out;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    out += fmt::format("  {}\n", lines.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string list_of(std::span<const Command* const> commands) {
  std::string text;
  for (const Command* command : commands)
    text += fmt::format("  {:<12}{}\n", command->name, command->summary);
  return text;
}

std::string overview() {
  return "Cohort post-trains reasoning language models with reinforcement learning.\n\n"
         "usage: cohort COMMAND [ARGUMENTS] [--option value]...\n\ncommands:\n" +
         list_of(commands()) + "\n`cohort COMMAND --help` lists a command's options, with an example.\n";
}

std::string command_help(const Command& command) {
  std::string text = fmt::format("{}\n\nusage: {}\n", command.summary, command.usage);
  if (!command.subcommands.empty()) text += "\ncommands:\n" + list_of(command.subcommands);
  text += fmt::format("\nexample:\n{}", indented(command.example));
  const std::string options = command.options ? command.options() : "";
  return text + (options.empty() ? "" : "\n" + options);
}

const Command& find_command(std::string_view name, std::span<const Command* const> commands) {
  std::vector<std::string> names;
  for (const Command* command : commands) {
    if (command->name == name) return *command;
    names.emplace_back(command->name);
  }
  const std::string near = nearest_name(name, names);
  if (!near.empty()) fail("unknown command {}; did you mean {}?", name, near);
  fail("unknown command {}; the commands are {}", name, fmt::join(names, ", "));
}

// The command that the first words name, a group's member included; these words are taken off `words`.
const Command& take_command(std::span<const std::string>& words) {
  const Command* command = nullptr;
  std::span<const Command* const> list = commands();
  do {
    command = &find_command(words[0], list);
    words = words.subspan(1);
    list = command->subcommands;
  } while (!list.empty() && !words.empty() && !words[0].starts_with('-'));
  return *command;
}

bool asks_for_help(std::string_view word) { return word == "--help" || word == "-h"; }

int dispatch(std::span<const std::string> arguments) {
  if (arguments.empty() || asks_for_help(arguments[0]) || (arguments[0] == "help" && arguments.size() == 1)) {
    print(overview());
    return arguments.empty() ? 1 : 0;
  }
  if (arguments[0] == "--version" || arguments[0] == "version") {
    print(fmt::format("cohort {}\n", kVersion));
    return 0;
  }
  if (arguments[0] == "help") {
    std::span<const std::string> words = arguments.subspan(1);
    print(command_help(take_command(words)));
    return 0;
  }
  std::span<const std::string> rest = arguments;
  const Command& command = take_command(rest);
  for (const std::string& word : rest) {
    if (word == "--") break;
    if (asks_for_help(word)) {
      print(command_help(command));
      return 0;
    }
  }
  if (!command.subcommands.empty()) {
    if (!rest.empty()) fail("{}: expected one of its commands, found {}", command.name, rest[0]);
    print(command_help(command));
    return 1;
  }
  return command.run(rest);
}

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

int run_command_line(std::span<const std::string> arguments) {
  try {
    const int status = dispatch(arguments);
    // Output that could not be written (a full disk, a closed pipe) is a failure too.
    if (std::fflush(stdout) != 0) fail("standard output cannot be written");
    return status;
  } catch (const std::bad_alloc&) {
    log_line(LogLevel::error, "out of memory");
  } catch (const std::exception& error) {
    log_line(LogLevel::error, error.what());
  }
  return 1;
}

}  // namespace cohort
