// Short Python jobs per second in the sandbox, beside the ceiling: the same interpreter started bare by
// posix_spawn, as many at a time, in turn with ours in the same run.
//   bench_sandbox [workers, 2 where not given] [jobs of a round, 100]
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/clock.h"
#include "sandbox/pool.h"

namespace cohort {
namespace {

double bare(int workers, int jobs) {
  const char* const words[] = {"python3", "-c", "pass", nullptr};
  // A job's own environment: another one makes Python's start slower or faster.
  const char* const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nowhere", "LANG=C.UTF-8",
                                     "PYTHONHASHSEED=0", nullptr};
  const double start = seconds();
  for (int begun = 0, ended = 0; ended < jobs;) {
    for (; begun < jobs && begun - ended < workers; ++begun) {
      pid_t pid;
      if (posix_spawn(&pid, "/usr/bin/python3", nullptr, nullptr, const_cast<char**>(words),
                      const_cast<char**>(environment)) != 0)
        return 0;
    }
    int status;
    if (wait(&status) < 0 || status != 0) return 0;
    ++ended;
  }
  return jobs / (seconds() - start);
}

double in_sandbox(SandboxPool& pool, const std::vector<Job>& jobs) {
  const double start = seconds();
  for (const JobResult& r : pool.run(jobs))
    if (r.outcome != JobOutcome::ok) {
      fmt::print("a job failed: {} {}\n", r.reason, r.err);
      return 0;
    }
  return static_cast<double>(jobs.size()) / (seconds() - start);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace
}  // namespace cohort

int main(int count, char** words) {
  using namespace cohort;
  const int workers = count > 1 ? std::atoi(words[1]) : 2, jobs = count > 2 ? std::atoi(words[2]) : 100;
  SandboxOptions options;
  options.workers = workers;
  SandboxPool pool(options);
  if (!pool.support().ok) {
    fmt::print("no sandbox here: {}\n", pool.support().missing);
    return 1;
  }
  Job pass, program, nothing;
  pass.argv = {"python3", "-c", "pass"};
  program.argv = {"python3", "main.py"};
  program.files = {
      {"main.py", "import json\nn = int(input())\nprint(json.dumps([i * i for i in range(n)]))\n"}};
  program.input = "10\n";
  nothing.argv = {"/bin/true"};
  const size_t n = static_cast<size_t>(jobs);
  std::vector<double> ceiling, ours, short_program, empty;
  for (int round = 0; round < 5; ++round) {
    ceiling.push_back(bare(workers, jobs));
    ours.push_back(in_sandbox(pool, std::vector<Job>(n, pass)));
    short_program.push_back(in_sandbox(pool, std::vector<Job>(n, program)));
    empty.push_back(in_sandbox(pool, std::vector<Job>(n, nothing)));
  }
  fmt::print("{} at a time, median of 5 rounds of {} jobs, jobs/s\n", workers, jobs);
  fmt::print("python3 -c pass, bare (the ceiling)   {:8.1f}\n", median(ceiling));
  fmt::print("python3 -c pass, in the sandbox       {:8.1f}   {:.0f} % of the ceiling\n", median(ours),
             100 * median(ours) / median(ceiling));
  fmt::print("a short program with input and json   {:8.1f}\n", median(short_program));
  fmt::print("/bin/true, in the sandbox             {:8.1f}\n", median(empty));
  return median(ours) > 0 ? 0 : 1;
}
