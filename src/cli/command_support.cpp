#include "cli/command_support.h"

#include <csignal>
#include <cstdio>

#include "base/file.h"

namespace cohort {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

std::function<bool()> stop_on_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return [] { return interrupted != 0; };
}

void write_output(const std::string& path, const std::string& rows) {
  if (path.empty()) {
    std::fwrite(rows.data(), 1, rows.size(), stdout);
  } else {
    write_file(path, rows);
  }
}

}  // namespace cohort
