// One-line messages to the user on standard error. Nothing here reaches a file of the run.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace cohort {

enum class LogLevel { debug, info, warning, error };

// Messages below the level are dropped. The default is info, or what COHORT_LOG_LEVEL names (debug, info,
// warning, error).
void set_log_level(LogLevel level);

// A message is one line: newlines in it become spaces, but for an error's. A warning begins with "warning: ".
// Thread-safe.
void log_line(LogLevel level, std::string_view message);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}

// The line at the bottom of a terminal that is redrawn in place (base/progress.h); messages are printed above
// it. Empty: none.
void set_status_line(std::string line);

// Whether standard error is a terminal that can redraw a line.
bool stderr_is_terminal();

}  // namespace cohort
