// Runs jobs in the sandbox, several at the same time.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sandbox/job.h"

namespace cohort {

struct SandboxOptions {
  int32_t workers = 2;  // jobs at the same time
  std::vector<std::string>
      read_only;  // folders and files of the machine that jobs may read besides the system's (an
                  // interpreter elsewhere); an ordinary user must be able to reach them
};

struct SandboxSupport {
  bool ok = false;
  std::string missing;  // what the kernel, or this machine's settings, lack
};

// Jobs that depend on one another's results: called with null for the first and then with each result; ends
// where it returns nothing. Called on the thread that called run_chains.
using JobChain = std::function<std::optional<Job>(const JobResult* previous)>;

// Owns one runner process per worker. They are started by exec (never by fork alone), so at any time,
// whatever threads and memory the program has by then; they end with it, however it ends. Where the sandbox
// cannot be had, every job is refused with the reason: nothing is ever run outside it. The functions may be
// called from several threads, one waiting for the other.
class SandboxPool {
 public:
  explicit SandboxPool(SandboxOptions options = {});
  ~SandboxPool();
  SandboxPool(const SandboxPool&) = delete;
  SandboxPool& operator=(const SandboxPool&) = delete;

  const SandboxSupport& support() const { return support_; }
  std::vector<JobResult> run(std::span<const Job> jobs);  // results in the order of the jobs
  JobResult run(const Job& job);
  void run_chains(std::span<JobChain> chains);

 private:
  struct Runner {
    pid_t pid = -1;
    int socket = -1;
    int64_t chain = -1;  // that its job is of; -1: idle
    double deadline = 0;
  };
  void start(Runner& runner);  // throws Error with what is missing
  void stop(Runner& runner);
  JobResult receive(Runner& runner);
  SandboxOptions options_;
  SandboxSupport support_;
  std::vector<Runner> runners_;
  std::mutex mutex_;
};

// Starts a runner, runs a program that does nothing, and tells.
SandboxSupport sandbox_support();

}  // namespace cohort
