#include "sandbox/pool.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/message.h"
#include "sandbox/runner.h"

namespace cohort {
namespace {

constexpr double kRunnerSeconds = 30;  // from a job's wall limit until its runner is taken to hang

// This program's own file, as a runner: in its own session, with no environment but what finds its libraries,
// no descriptor but the socket.
pid_t spawn_runner(int socket) {
  if (std::strcmp(program_invocation_name, runner_name()) == 0) fail("a sandbox runner starts no runners");
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, kRunnerSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kRunnerSocket + 1);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::string libraries;
  std::vector<char*> environment;
  if (const char* path = std::getenv("LD_LIBRARY_PATH")) {
    libraries = std::string("LD_LIBRARY_PATH=") + path;
    environment.push_back(libraries.data());
  }
  environment.push_back(nullptr);
  char* words[] = {const_cast<char*>(runner_name()), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, words, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error) fail("starting a sandbox runner: {}", std::strerror(error));
  return pid;
}

}  // namespace

SandboxPool::SandboxPool(SandboxOptions options) : options_(std::move(options)) {
  if (options_.workers < 1) fail("the sandbox's workers: expected at least 1, found {}", options_.workers);
  runners_.resize(static_cast<size_t>(options_.workers));
  try {
    for (Runner& runner : runners_) start(runner);
    support_.ok = true;
    Job nothing;
    nothing.argv = {"/bin/true"};
    const JobResult result = run(nothing);
    if (result.outcome != JobOutcome::ok) fail("/bin/true: {}", result.reason);
  } catch (const Error& e) {
    support_ = {false, e.what()};
    for (Runner& runner : runners_) stop(runner);
  }
}

SandboxPool::~SandboxPool() {
  for (Runner& runner : runners_) stop(runner);
}

void SandboxPool::start(Runner& runner) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    fail("socketpair: {}", std::strerror(errno));
  runner = {-1, ends[0], -1, 0};
  try {
    runner.pid = spawn_runner(ends[1]);
  } catch (...) {
    close(ends[1]);
    stop(runner);
    throw;
  }
  close(ends[1]);
  Packer paths;
  paths.list(options_.read_only, [&](const std::string& path) { paths.field(path); });
  std::optional<std::string> answer;
  if (send_message(runner.socket, paths.bytes())) answer = receive_message(runner.socket);
  if (answer && answer->empty()) return;
  stop(runner);
  throw Error(answer ? *answer : "a sandbox runner ended before it was ready");
}

void SandboxPool::stop(Runner& runner) {
  if (runner.socket >= 0) close(runner.socket);
  if (runner.pid > 0) {
    kill(runner.pid, SIGKILL);
    while (waitpid(runner.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  runner = {};
}

JobResult SandboxPool::receive(Runner& runner) {
  if (const std::optional<std::string> answer = receive_message(runner.socket)) return unpack_result(*answer);
  stop(runner);
  return refused("the sandbox's runner ended unexpectedly; it is started anew");
}

std::vector<JobResult> SandboxPool::run(std::span<const Job> jobs) {
  std::vector<JobResult> results(jobs.size());
  std::vector<JobChain> chains;
  for (size_t i = 0; i < jobs.size(); ++i)
    chains.emplace_back([&, i](const JobResult* previous) -> std::optional<Job> {
      if (!previous) return jobs[i];
      results[i] = *previous;
      return std::nullopt;
    });
  run_chains(chains);
  return results;
}

JobResult SandboxPool::run(const Job& job) { return std::move(run({&job, 1})[0]); }

void SandboxPool::run_chains(std::span<JobChain> chains) {
  const std::lock_guard lock(mutex_);
  size_t begun = 0;
  // Hands the chain's next job to an idle runner; jobs that cannot be handed over are refused at once.
  const auto go_on = [&](Runner& runner, int64_t chain, const JobResult* previous) {
    JobResult last;
    std::optional<Job> job = chains[static_cast<size_t>(chain)](previous);
    for (; job; job = chains[static_cast<size_t>(chain)](&last)) {
      if (!support_.ok) {
        last = refused(support_.missing);
        continue;
      }
      try {
        if (runner.pid < 0) start(runner);
        if (!send_message(runner.socket, pack(*job))) {
          stop(runner);
          start(runner);
          if (!send_message(runner.socket, pack(*job))) fail("the sandbox's runner takes no job");
        }
      } catch (const Error& e) {
        last = refused(e.what());
        continue;
      }
      runner.chain = chain;
      runner.deadline = seconds() + job->limits.wall_seconds + kRunnerSeconds;
      return;
    }
    runner.chain = -1;
  };

  // A chain that throws leaves no job running.
  struct Ending {
    SandboxPool& pool;
    ~Ending() {
      for (Runner& runner : pool.runners_)
        if (runner.chain >= 0) pool.stop(runner);
    }
  } ending{*this};

  for (;;) {
    std::vector<pollfd> waiting;
    std::vector<Runner*> busy;
    double deadline = 1e300;
    for (Runner& runner : runners_) {
      while (runner.chain < 0 && begun < chains.size()) go_on(runner, static_cast<int64_t>(begun++), nullptr);
      if (runner.chain < 0) continue;
      waiting.push_back({runner.socket, POLLIN, 0});
      busy.push_back(&runner);
      deadline = std::min(deadline, runner.deadline);
    }
    if (busy.empty()) return;
    const double left = std::clamp(deadline - seconds(), 0.0, 1e6);
    poll(waiting.data(), waiting.size(), static_cast<int>(1e3 * left) + 1);
    for (size_t i = 0; i < busy.size(); ++i) {
      Runner& runner = *busy[i];
      const int64_t chain = runner.chain;
      JobResult result;
      if (waiting[i].revents) {
        result = receive(runner);
      } else if (seconds() > runner.deadline) {
        stop(runner);
        result = refused("the sandbox's runner did not answer in time; it is started anew");
      } else {
        continue;
      }
      go_on(runner, chain, &result);
    }
  }
}

SandboxSupport sandbox_support() {
  SandboxOptions one;
  one.workers = 1;
  return SandboxPool(one).support();
}

}  // namespace cohort
