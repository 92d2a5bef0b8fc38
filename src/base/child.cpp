#include "base/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

extern char** environ;

namespace cohort {
namespace {

void make_pipe(int (&ends)[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe: {}", std::strerror(errno));
}

}  // namespace

Child::Child(const std::vector<std::string>& words) {
  signal(SIGPIPE, SIG_IGN);  // writing to a program that has ended is an error to handle, not an end
  int to[2], from[2];
  make_pipe(to);
  make_pipe(from);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t usual, none;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (int s : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&usual, s);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int fault = posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(to[0]);
  close(from[1]);
  in_ = to[1], out_ = from[0];
  if (fault != 0) {
    close(in_);
    close(out_);
    fail("{}: cannot be started: {}", words[0], std::strerror(fault));
  }
  fcntl(in_, F_SETFL, O_NONBLOCK);
  fcntl(out_, F_SETFL, O_NONBLOCK);
}

Child::~Child() {
  wait();
  close(out_);
}

void Child::send(std::string text) { unsent_ += text; }

Child::Read Child::read_line(double seconds_left, size_t longest, std::string& line) {
  const double end = seconds() + seconds_left;
  for (size_t searched = 0;;) {
    const size_t newline = unread_.find('\n', searched);
    if (newline != std::string::npos) {
      line = unread_.substr(0, newline);
      unread_.erase(0, newline + 1);
      return Read::line;
    }
    searched = unread_.size();
    if (unread_.size() > longest) return Read::too_long;
    const double left = end - seconds();
    if (left <= 0) return Read::silent;
    pollfd files[2] = {{out_, POLLIN, 0}, {in_, POLLOUT, 0}};
    const int count = unsent_.empty() || in_ < 0 ? 1 : 2;
    if (poll(files, static_cast<nfds_t>(count), static_cast<int>(std::ceil(std::min(left, 1e6) * 1000))) <
        0) {
      if (errno == EINTR) continue;
      fail("poll: {}", std::strerror(errno));
    }
    if (count == 2 && files[1].revents) {
      const ssize_t n = write(in_, unsent_.data(), unsent_.size());
      if (n > 0) unsent_.erase(0, static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        unsent_.clear();  // it reads no more; its output says why
    }
    if (files[0].revents) {
      char bytes[65536];
      const ssize_t n = read(out_, bytes, sizeof bytes);
      if (n == 0) return Read::ended;
      if (n > 0) unread_.append(bytes, static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR) fail("read: {}", std::strerror(errno));
    }
  }
}

std::string Child::wait() {
  if (in_ >= 0) close(std::exchange(in_, -1));
  if (pid_ < 0) return "has ended";
  // One that has closed its output is about to end by itself; who goes on is killed, with all that it started.
  siginfo_t info{};
  for (int i = 0; i < 50 && info.si_pid == 0; ++i) {
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) break;
    if (info.si_pid == 0) usleep(1000);
  }
  const bool ended = info.si_pid != 0;
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (!ended) return "did not end by itself and was killed";
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace cohort
