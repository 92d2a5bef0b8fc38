// What several commands do.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"

namespace cohort {

// Reads a command's options into what the table is bound to; an argument that is no option is refused.
void read_options(OptionTable& table, std::string_view command, std::span<const std::string> arguments);

// The settings of a command that declares its options in a function, as read from its arguments.
template <class Settings, void (*declare)(OptionTable&, Settings&)>
Settings read_options(std::string_view command, std::span<const std::string> arguments) {
  Settings settings;
  OptionTable table;
  declare(table, settings);
  read_options(table, command, arguments);
  return settings;
}

// The same command's part of --help.
template <class Settings, void (*declare)(OptionTable&, Settings&)>
std::string options_help() {
  Settings settings;
  OptionTable table;
  declare(table, settings);
  return table.help();
}

// Refuses an option that was not given: "eval: --data is missing: EXPECTED".
constexpr std::string_view kModelExpected = "a Hugging Face folder or a GGUF file",
                           kDataExpected = "a JSONL file or the name of a built-in task",
                           kRewardsExpected = "names of reward functions";
void require_option(std::string_view command, std::string_view name, bool given, std::string_view expected);

// 0: all cores.
void use_threads(int64_t num_threads);

// From now on the first Ctrl-C or SIGTERM makes the returned question answer true, and the second ends the
// program.
std::function<bool()> stop_on_signals();

// Rows into a file (written whole or not at all), or onto the terminal where `path` is empty.
void write_output(const std::string& path, const std::string& rows);

}  // namespace cohort
