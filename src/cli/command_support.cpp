#include "cli/command_support.h"

#include <omp.h>

#include <csignal>
#include <cstdio>

#include "base/check.h"
#include "base/file.h"

namespace cohort {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void read_options(OptionTable& table, std::string_view command, std::span<const std::string> arguments) {
  const std::vector<std::string> rest = table.read_arguments(arguments);
  if (!rest.empty()) fail("{}: unexpected argument {}", command, rest[0]);
}

void require_option(std::string_view command, std::string_view name, bool given, std::string_view expected) {
  if (!given) fail("{}: --{} is missing: {}", command, name, expected);
}

void use_threads(int64_t num_threads) {
  if (num_threads > 0) omp_set_num_threads(static_cast<int>(num_threads));
}

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
