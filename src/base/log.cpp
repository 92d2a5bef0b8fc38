#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace cohort {
namespace {

std::mutex mutex;
std::string status;  // what stands on the terminal's last line

LogLevel level_from_environment() {
  const char* name = std::getenv("COHORT_LOG_LEVEL");
  if (!name) return LogLevel::info;
  const std::string_view levels[] = {"debug", "info", "warning", "error"};
  const auto* found = std::find(std::begin(levels), std::end(levels), std::string_view(name));
  return found == std::end(levels) ? LogLevel::info : static_cast<LogLevel>(found - std::begin(levels));
}

LogLevel& current_level() {
  static LogLevel level = level_from_environment();
  return level;
}

constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

void set_log_level(LogLevel level) {
  const std::lock_guard lock(mutex);
  current_level() = level;
}

void log_line(LogLevel level, std::string_view message) {
  const std::lock_guard lock(mutex);
  if (level < current_level()) return;
  std::string line;
  if (!status.empty()) line += kClearLine;
  if (level == LogLevel::warning) line += "warning: ";
  if (level == LogLevel::error) line += "error: ";
  for (const char c : message) line += level != LogLevel::error && (c == '\n' || c == '\r') ? ' ' : c;
  line += "\n";
  line += status;
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void set_status_line(std::string line) {
  const std::lock_guard lock(mutex);
  if (line == status) return;
  status = std::move(line);
  const std::string text = kClearLine + status;
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool stderr_is_terminal() {
  static const bool terminal = [] {
    const char* kind = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) && kind && std::strcmp(kind, "dumb") != 0;
  }();
  return terminal;
}

}  // namespace cohort
