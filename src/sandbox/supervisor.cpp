#include "sandbox/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/program.h"
#include "sandbox/root.h"
#include "sandbox/usage.h"
#include "sandbox/user.h"

namespace cohort {
namespace {

constexpr int kPollMilliseconds = 8;
constexpr int kHiddenProcesses = 2;  // the runner and this one, of the same user

int make_job_file(const std::string& path, std::string_view bytes, bool readable_too) {
  const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
  if (fd < 0) fail_errno("creating " + path);
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n <= 0) fail_errno("writing " + path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  close(fd);
  return readable_too ? open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
}

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

// One of the program's output pipes. Reads what is there; false once the limit is passed.
struct Stream {
  int fd = -1;
  std::string* to = nullptr;

  bool drain(int64_t limit) {
    char buffer[65536];
    while (fd >= 0) {
      const ssize_t n = read(fd, buffer, sizeof buffer);
      if (n < 0 && errno == EAGAIN) return true;
      if (n <= 0) {
        close(fd);
        fd = -1;
        return true;
      }
      const int64_t room = limit - std::ssize(*to);
      to->append(buffer, static_cast<size_t>(std::min<int64_t>(n, room)));
      if (n > room) return false;
    }
    return true;
  }
};

// Where the program itself could not get memory below the resident limit, only its own words tell.
bool says_out_of_memory(std::string_view err) {
  err = err.substr(err.size() - std::min<size_t>(err.size(), 4096));
  for (const char* words : {"MemoryError", "std::bad_alloc", "out of memory", "virtual memory exhausted",
                            "Cannot allocate memory", "cannot allocate memory"})
    if (err.find(words) != std::string_view::npos) return true;
  return false;
}

class Supervisor {
 public:
  Supervisor(const Job& job, const std::vector<sock_filter>& filter) : job_(job), limits_(job.limits) {
    int64_t bytes = limits_.disk + std::ssize(job.input);
    for (const JobFile& file : job.files) bytes += std::ssize(file.bytes) + 4096;
    proc_ = mount_job_folders(bytes + 65536);
    for (const JobFile& file : job.files)
      make_job_file(fmt::format("{}/{}", kJobFolder, file.name), file.bytes, false);
    folder_ = open(kJobFolder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int input = make_job_file("/job/input", job.input, true);
    if (input < 0 || unlink("/job/input") != 0) fail_errno("the job's input");
    int out[2], err[2], failure[2];
    for (int* ends : {out, err, failure})
      if (pipe2(ends, O_CLOEXEC) != 0) fail_errno("pipe");
    start_ = seconds();
    child_ = fork();
    if (child_ < 0) fail_errno("fork");
    if (child_ == 0) start_program(job, {input, out[1], err[1], failure[1]}, filter, kHiddenProcesses);
    for (const int fd : {input, out[1], err[1], failure[1]}) close(fd);
    for (const int fd : {out[0], err[0]}) fcntl(fd, F_SETFL, O_NONBLOCK);
    out_ = {out[0], &result_.out};
    err_ = {err[0], &result_.err};
    char buffer[512];
    for (ssize_t n; (n = read(failure[0], buffer, sizeof buffer)) > 0;)
      failure_.append(buffer, static_cast<size_t>(n));
    close(failure[0]);
    exited_ = static_cast<int>(syscall(SYS_pidfd_open, child_, 0));
    if (exited_ < 0) fail_errno("pidfd_open", "needs Linux 5.3");
  }

  JobResult run() {
    while (!stopped_ && !status_known_) {
      pollfd waiting[3] = {{exited_, POLLIN, 0}, {out_.fd, POLLIN, 0}, {err_.fd, POLLIN, 0}};
      poll(waiting, 3, kPollMilliseconds);
      drain();
      reap(WNOHANG);
      check_usage();
    }
    kill(-1, SIGKILL);
    reap(0);
    drain();
    result_.seconds = seconds() - start_;
    rusage used{};
    getrusage(RUSAGE_CHILDREN, &used);
    result_.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    result_.peak_memory = int64_t{used.ru_maxrss} * 1024;
    classify();
    if (result_.outcome == JobOutcome::ok && !job_.fetch.empty()) fetch();
    return std::move(result_);
  }

 private:
  void stop(JobOutcome outcome, std::string reason) {
    if (stopped_) return;
    stopped_ = true;
    result_.outcome = outcome;
    result_.reason = std::move(reason);
  }

  void drain() {
    for (Stream* stream : {&out_, &err_})
      if (!stream->drain(limits_.output))
        stop(JobOutcome::output_limit, fmt::format("more than {} bytes of {}", limits_.output,
                                                   stream == &out_ ? "standard output" : "standard error"));
  }

  void reap(int options) {
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, options)) > 0 || (pid < 0 && errno == EINTR);)
      if (pid == child_) {
        status_known_ = true;
        status_ = status;
      }
  }

  void check_usage() {
    const double now = seconds();
    if (status_known_ || now < next_check_) return;
    next_check_ = now + 1e-3 * kPollMilliseconds;
    if (now - start_ > limits_.wall_seconds)
      stop(JobOutcome::timeout, fmt::format("{:g} s of wall time", limits_.wall_seconds));
    const Usage usage = job_usage(proc_);
    if (usage.memory > limits_.memory && job_memory_exact(proc_) > limits_.memory)
      stop(JobOutcome::memory, fmt::format("more than {} MB of memory", limits_.memory >> 20));
    rusage ended{};
    getrusage(RUSAGE_CHILDREN, &ended);
    if (usage.cpu_seconds + seconds_of(ended.ru_utime) + seconds_of(ended.ru_stime) > limits_.cpu_seconds)
      over_cpu();
  }

  void over_cpu() { stop(JobOutcome::timeout, fmt::format("{:g} s of CPU time", limits_.cpu_seconds)); }

  void classify() {
    if (!failure_.empty()) {
      result_.outcome = JobOutcome::refused;
      result_.reason = failure_;
      return;
    }
    if (stopped_) return;
    if (result_.cpu_seconds > limits_.cpu_seconds) return over_cpu();
    if (WIFEXITED(status_)) result_.exit_code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) result_.signal = WTERMSIG(status_);
    if (WIFEXITED(status_) && result_.exit_code == 0) {
      result_.outcome = JobOutcome::ok;
    } else if (says_out_of_memory(result_.err)) {
      stop(JobOutcome::memory, fmt::format("no more memory than {} MB", limits_.memory >> 20));
    } else if (WIFEXITED(status_)) {
      stop(JobOutcome::nonzero_exit, fmt::format("exit status {}", result_.exit_code));
    } else {
      stop(JobOutcome::crash, fmt::format("signal {} ({})", result_.signal, strsignal(result_.signal)));
    }
  }

  // Everything else of the job is dead by now; what it left may be anything.
  void fetch() {
    struct stat info;
    const int fd = openat(folder_, job_.fetch.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > limits_.disk)
      return stop(JobOutcome::nonzero_exit, fmt::format("it left no file \"{}\"", job_.fetch));
    result_.fetched.resize(static_cast<size_t>(info.st_size));
    size_t got = 0;
    for (ssize_t n; got < result_.fetched.size() &&
                    (n = read(fd, result_.fetched.data() + got, result_.fetched.size() - got)) > 0;)
      got += static_cast<size_t>(n);
    result_.fetched.resize(got);
    close(fd);
  }

  const Job& job_;
  const JobLimits& limits_;
  JobResult result_;
  std::string failure_;
  Stream out_, err_;
  int proc_ = -1, folder_ = -1, exited_ = -1, status_ = 0;
  pid_t child_ = -1;
  bool stopped_ = false, status_known_ = false;
  double start_ = 0, next_check_ = 0;
};

}  // namespace

JobResult supervise(const Job& job, const std::vector<sock_filter>& filter) {
  return Supervisor(job, filter).run();
}

}  // namespace cohort
