#include "cli/chat_terminal.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace cohort {
namespace {

constexpr size_t kLongestLine = size_t{16} << 20;

volatile std::sig_atomic_t pressed = 0;
void on_interrupt(int) { pressed = 1; }

// Where something could not be written, now or before: what is lost stays lost, and so the conversation ends.
void flush() {
  std::fflush(stdout);
  if (std::ferror(stdout)) fail("standard output cannot be written");
}

}  // namespace

ChatTerminal::ChatTerminal() : interactive_(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: waiting for a line ends too
  sigaction(SIGINT, &action, nullptr);
}

bool ChatTerminal::interrupted() {
  const bool was = pressed != 0;
  pressed = 0;
  return was;
}

// One line of the input; nothing at its end, or where Ctrl-C came (pressed stays set).
std::optional<std::string> ChatTerminal::raw_line() {
  for (;;) {
    const size_t newline = input_.find('\n');
    if (newline != std::string::npos || (ended_ && !input_.empty())) {
      std::string line = input_.substr(0, newline);
      input_.erase(0, newline == std::string::npos ? newline : newline + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (ended_) return std::nullopt;
    if (input_.size() > kLongestLine) fail("chat: a line of more than {} MB", kLongestLine >> 20);
    char bytes[65536];
    const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) {
      if (pressed) return std::nullopt;
      continue;
    }
    if (n < 0) fail("chat: standard input cannot be read: {}", std::strerror(errno));
    if (n == 0) ended_ = true;
    input_.append(bytes, static_cast<size_t>(n));
  }
}

std::optional<std::string> ChatTerminal::read_line() {
  std::string whole;
  bool warned = false;
  for (;;) {
    if (interactive_) write(whole.empty() ? "> " : ". ");
    flush();
    const std::optional<std::string> line = raw_line();
    if (!line && interrupted()) {
      write("\n");
      if (warned) return std::nullopt;
      note("/exit or Ctrl-D leaves, and so does Ctrl-C once more");
      warned = true;
      whole.clear();
      continue;
    }
    if (!line) {
      if (interactive_) write("\n");
      return whole.empty() ? std::nullopt : std::optional(whole);
    }
    whole += *line;
    if (!whole.ends_with('\\')) return whole;
    whole.back() = '\n';
  }
}

void ChatTerminal::show(std::string_view text, bool thinking) {
  if (thinking != thinking_) {
    if (interactive_) {
      write(thinking ? "\033[2m" : "\033[0m");
    } else if (thinking) {
      write("<think>");
    } else {
      write("</think>");
    }
    thinking_ = thinking;
  }
  write(text);
  flush();
}

void ChatTerminal::end_answer() {
  if (thinking_) write(interactive_ ? "\033[0m" : "</think>");
  thinking_ = false;
  if (line_begun_) write("\n");
  flush();
}

void ChatTerminal::note(std::string_view text) {
  flush();
  const bool colour = interactive_ && isatty(STDERR_FILENO);
  std::fprintf(stderr, "%s%.*s%s\n", colour ? "\033[2m" : "", static_cast<int>(text.size()), text.data(),
               colour ? "\033[0m" : "");
}

void ChatTerminal::write(std::string_view text) {
  if (text.empty()) return;
  std::fwrite(text.data(), 1, text.size(), stdout);  // flush() tells whether it was written
  line_begun_ = text.back() != '\n';
}

}  // namespace cohort
