// What the sandbox gives to programs that behave, how it tells ends apart, and that it refuses rather than
// run anything outside. Attacks: probes_*_test.cpp.
#include <dirent.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/message.h"
#include "sandbox/pool.h"
#include "sandbox/probe.h"

namespace cohort {
namespace {

Job shell(const std::string& script, double cpu = 4, double wall = 20) {
  Job job;
  job.argv = {"sh", "main.sh"};
  job.files = {{"main.sh", script}};
  job.limits.cpu_seconds = cpu;
  job.limits.wall_seconds = wall;
  return job;
}

// Catches: input, output, errors or exit status lost or mixed up; files that are not there.
TEST(Sandbox, RunsAProgram) {
  SandboxPool pool;
  REQUIRE_SANDBOX(pool.support());
  Job job = shell("cat; cat extra; echo err >&2; exit 3");
  job.files.push_back({"extra", std::string("a\0b\xff\n", 5)});
  job.input = "in\n";
  const JobResult r = pool.run(job);
  EXPECT_EQ(r.outcome, JobOutcome::nonzero_exit) << r.reason;
  EXPECT_EQ(r.exit_code, 3);
  EXPECT_EQ(r.out, std::string("in\na\0b\xff\n", 8));
  EXPECT_EQ(r.err, "err\n");
  EXPECT_EQ(pool.run(shell("cat /proc/self/oom_score_adj")).out, "1000\n")
      << "the host's memory goes to others first";
  const std::string big(3 << 20, 'x');
  job = shell("wc -c");
  job.input = big;
  EXPECT_EQ(pool.run(job).out, "3145728\n");
}

// Catches: one kind of end reported as another.
TEST(Sandbox, TellsEndsApart) {
  SandboxPool pool;
  REQUIRE_SANDBOX(pool.support());
  struct Case {
    const char* script;
    JobOutcome outcome;
    const char* reason;
  };
  const Case cases[] = {
      {"true", JobOutcome::ok, ""},
      {"exit 7", JobOutcome::nonzero_exit, "exit status 7"},
      {"while :; do :; done", JobOutcome::timeout, "0.4 s of CPU time"},
      {"(while :; do :; done) & (while :; do :; done) & wait", JobOutcome::timeout, "0.4 s of CPU time"},
      {"sleep 60", JobOutcome::timeout, "1.5 s of wall time"},
      {"kill -SEGV $$", JobOutcome::crash, "signal 11 (Segmentation fault)"},
      {"kill -ABRT $$", JobOutcome::crash, "signal 6 (Aborted)"},
      {"yes", JobOutcome::output_limit, "more than 1048576 bytes of standard output"},
      {"yes >&2", JobOutcome::output_limit, "more than 1048576 bytes of standard error"},
      // tail keeps the whole "line" of zeros, less than it may map
      {"head -c 400m /dev/zero | tail", JobOutcome::memory, "more than 256 MB of memory"}};
  std::vector<Job> jobs;
  for (const Case& c : cases) {
    // Wall time only for the one that sleeps: CPU time may be slow to come by.
    jobs.push_back(shell(c.script, 0.4, std::string_view(c.script).starts_with("sleep") ? 1.5 : 20));
    if (c.outcome == JobOutcome::memory) jobs.back().limits.cpu_seconds = 4;
    jobs.back().limits.memory = 256 << 20;
  }
  jobs.push_back(shell(""));
  jobs.back().argv = {"no-such-interpreter", "x"};
  const std::vector<JobResult> results = pool.run(jobs);
  for (size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(results[i].outcome, cases[i].outcome) << cases[i].script << ": " << results[i].reason;
    EXPECT_EQ(results[i].reason, cases[i].reason) << cases[i].script;
  }
  EXPECT_EQ(results.back().outcome, JobOutcome::refused);
  EXPECT_EQ(results.back().reason, "no-such-interpreter is not installed");
}

// Catches: results out of order, jobs that are not run at the same time.
TEST(Sandbox, ResultsStandInTheOrderOfTheJobs) {
  SandboxPool pool({4, {}});
  REQUIRE_SANDBOX(pool.support());
  std::vector<Job> jobs;
  for (int i = 0; i < 12; ++i) jobs.push_back(shell(fmt::format("sleep 0.{}; echo {}", i % 3 * 2, i)));
  const double start = seconds();
  const std::vector<JobResult> results = pool.run(jobs);
  const double took = seconds() - start;
  double sum = 0;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(results[static_cast<size_t>(i)].out, fmt::format("{}\n", i));
    sum += results[static_cast<size_t>(i)].seconds;
  }
  EXPECT_LT(took, 0.8 * sum) << "one after another";
}

// Catches: a file not brought back, or one that is no plain file of the job's.
TEST(Sandbox, FetchesAFile) {
  SandboxPool pool;
  REQUIRE_SANDBOX(pool.support());
  const auto fetch = [&](const char* script) {
    Job job = shell(script);
    job.fetch = "product";
    return pool.run(job);
  };
  EXPECT_EQ(fetch("printf 'a\\0b' > product").fetched, std::string("a\0b", 3));
  for (const char* script : {"true", "ln -s /etc/passwd product", "mkfifo product", "mkdir product"}) {
    const JobResult r = fetch(script);
    EXPECT_EQ(r.outcome, JobOutcome::nonzero_exit) << script;
    EXPECT_EQ(r.reason, "it left no file \"product\"") << script;
  }
}

// Catches: a chain that is not given its own results, or goes on after it ended; a throwing chain that leaves
// its job to the next caller.
TEST(Sandbox, Chains) {
  SandboxPool pool;
  REQUIRE_SANDBOX(pool.support());
  std::vector<std::string> seen(3);
  std::vector<JobChain> chains;
  for (size_t c = 0; c < 3; ++c)
    chains.emplace_back([&, c, step = size_t{0}](const JobResult* previous) mutable -> std::optional<Job> {
      if (previous) seen[c] += previous->out;
      if (step == c + 1) return std::nullopt;
      return shell(fmt::format("printf {}", step++));
    });
  pool.run_chains(chains);
  EXPECT_EQ(seen, (std::vector<std::string>{"0", "01", "012"}));
  std::vector<JobChain> throwing = {
      [](const JobResult*) -> std::optional<Job> { return shell("sleep 1; echo left"); },
      [](const JobResult*) -> std::optional<Job> { throw Error("no"); }};
  EXPECT_THROW(pool.run_chains(throwing), Error);
  EXPECT_EQ(pool.run(shell("echo mine")).out, "mine\n");
}

// Catches: one job's files, processes or memory seen by the next.
TEST(Sandbox, JobsSeeNothingOfEarlierOnes) {
  SandboxPool pool({1, {}});
  REQUIRE_SANDBOX(pool.support());
  const char* look = "ls -A /job/work /tmp /dev/shm; set -- /proc/[0-9]*; echo $#";
  const std::string before = pool.run(shell(look)).out;
  pool.run(shell("echo x > left; echo x > /tmp/left; echo x > /dev/shm/left; sleep 100 & exit 0"));
  EXPECT_EQ(pool.run(shell(look)).out, before);
}

// Catches: a runner that dies taking the pool with it.
TEST(Sandbox, ARunnerThatDiesIsStartedAnew) {
  SandboxPool pool({1, {}});
  REQUIRE_SANDBOX(pool.support());
  std::vector<JobChain> chains = {[](const JobResult* previous) -> std::optional<Job> {
    if (!previous) return shell("sleep 30");
    EXPECT_EQ(previous->outcome, JobOutcome::refused) << "a job that was not finished has a verdict";
    return std::nullopt;
  }};
  const pid_t killer = fork();
  if (killer == 0) {  // the runner is its sibling
    usleep(300000);
    DIR* proc = opendir("/proc");
    while (const dirent* entry = readdir(proc)) {
      std::string line;
      std::ifstream stat(fmt::format("/proc/{}/stat", entry->d_name));
      std::getline(stat, line);
      if (line.find(fmt::format("(sandbox-runner) S {} ", getppid())) != std::string::npos)
        kill(std::atoi(entry->d_name), SIGKILL);
    }
    _exit(0);
  }
  pool.run_chains(chains);
  EXPECT_EQ(pool.run(shell("echo on")).out, "on\n");
}

// Catches: runs that outlive a trainer that is killed.
TEST(Sandbox, EndsWithTheProgramThatStartedIt) {
  {
    SandboxPool pool({1, {}});
    REQUIRE_SANDBOX(pool.support());
  }
  const std::string marker = fmt::format("orphan-{}", getpid());
  const auto alive = [&] {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::string line;
      std::ifstream words(entry.path() / "cmdline");
      std::getline(words, line);
      count += line.find(marker) != std::string::npos;
    }
    return count;
  };
  const pid_t trainer = fork();
  if (trainer == 0) {
    SandboxPool pool({1, {}});
    Job job = shell("sleep 60 & sleep 60", 4, 100);
    job.argv.push_back(marker);
    pool.run(job);
    _exit(0);
  }
  const auto wait_for = [&](bool wanted) {
    for (int i = 0; i < 500 && (alive() > 0) != wanted; ++i) usleep(10000);
    return (alive() > 0) == wanted;
  };
  EXPECT_TRUE(wait_for(true)) << "the job did not start";
  kill(trainer, SIGKILL);
  waitpid(trainer, nullptr, 0);
  EXPECT_TRUE(wait_for(false)) << "it goes on without its trainer";
}

// Catches: a further folder that jobs do not see, or that they can write though its permissions allow it.
TEST(Sandbox, FurtherFoldersAreReadOnly) {
  namespace fs = std::filesystem;
  const fs::path folder = fmt::format("/var/tmp/further-{}", getpid());  // /tmp is the job's own
  fs::create_directories(folder);
  std::ofstream(folder / "file") << "text\n";
  for (const fs::path& path : {folder, folder / "file"}) fs::permissions(path, fs::perms::all);
  SandboxPool pool({1, {folder.string()}});
  REQUIRE_SANDBOX(pool.support());
  const JobResult r = pool.run(shell(fmt::format(
      "cd {} && cat file; echo more >> file; echo x > new; chmod 700 file; rm file; ls", folder.string())));
  EXPECT_EQ(r.out, "text\nfile\n") << r.err;
  std::string text;
  std::getline(std::ifstream(folder / "file"), text);
  EXPECT_EQ(text, "text");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
  fs::remove_all(folder);
}

// Catches: running code outside the sandbox, or a silent failure, where the sandbox cannot be had.
TEST(Sandbox, RefusesWhatItCannotContain) {
  for (const char* path : {"relative", "/", "/tmp/x", "/proc/self", "/dev", "/usr/../job/x"})
    EXPECT_FALSE(SandboxPool({1, {path}}).support().ok) << path;
  SandboxPool pool({1, {"/no/such/folder"}});
  EXPECT_FALSE(pool.support().ok);
  EXPECT_NE(pool.support().missing.find("/no/such/folder"), std::string::npos) << pool.support().missing;
  const JobResult r = pool.run(shell("echo ran"));
  EXPECT_EQ(r.outcome, JobOutcome::refused);
  EXPECT_EQ(r.reason, pool.support().missing);
  EXPECT_EQ(r.out, "");
}

// Catches: a message of a broken runner that is read past its end.
TEST(Sandbox, MessagesSurviveCuts) {
  Job job = shell("x");
  job.input = "in";
  const std::string bytes = pack(job);
  EXPECT_EQ(pack(unpack_job(bytes)), bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_THROW(unpack_job(bytes.substr(0, cut)), Error);
}

}  // namespace
}  // namespace cohort
