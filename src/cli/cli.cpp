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

constexpr const Command* kCommands[] = {&kQuickstartCommand, &kTrainCommand, &kGenerateCommand,
                                        &kRejectCommand,     &kEvalCommand,  &kScoreCommand,
                                        &kPlanCommand,       &kReportCommand};

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

std::string overview() {
  std::string text =
      "Cohort post-trains reasoning language models with reinforcement learning.\n\n"
      "usage: cohort COMMAND [ARGUMENTS] [--option value]...\n\ncommands:\n";
  for (const Command* command : commands())
    text += fmt::format("  {:<12}{}\n", command->name, command->summary);
  return text + "\n`cohort COMMAND --help` lists a command's options, with an example.\n";
}

std::string command_help(const Command& command) {
  const std::string options = command.options();
  return fmt::format("{}\n\nusage: {}\n\nexample:\n{}{}{}", command.summary, command.usage,
                     indented(command.example), options.empty() ? "" : "\n", options);
}

const Command& find_command(std::string_view name) {
  std::vector<std::string> names;
  for (const Command* command : commands()) {
    if (command->name == name) return *command;
    names.emplace_back(command->name);
  }
  const std::string near = nearest_name(name, names);
  if (!near.empty()) fail("unknown command {}; did you mean {}?", name, near);
  fail("unknown command {}; the commands are {}", name, fmt::join(names, ", "));
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
    print(command_help(find_command(arguments[1])));
    return 0;
  }
  const Command& command = find_command(arguments[0]);
  const std::span<const std::string> rest = arguments.subspan(1);
  for (const std::string& word : rest) {
    if (word == "--") break;
    if (asks_for_help(word)) {
      print(command_help(command));
      return 0;
    }
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
