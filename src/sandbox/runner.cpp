#include "sandbox/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/message.h"
#include "sandbox/root.h"
#include "sandbox/supervisor.h"
#include "sandbox/syscalls.h"
#include "sandbox/user.h"

namespace cohort {
namespace {

constexpr char kRunnerName[] = "cohort-sandbox-runner";
constexpr double kEndingSeconds = 5;  // from a job's wall limit until its first process is taken to hang

// From Linux 5.14 on processes are counted per user namespace, so that the user's others leave room for the
// job's.
void check_kernel() {
  utsname name{};
  int major = 0, minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2 || major < 5 ||
      (major == 5 && minor < 14))
    fail("Linux 5.14 or newer is needed, this is {}", name.release);
}

void prepare(std::string_view paths) {
  check_kernel();
  if (close_range(kRunnerSocket + 1, ~0U, 0) != 0) fail_errno("close_range");
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) fail_errno("/dev/null");
  for (int fd = 0; fd < 3; ++fd)
    if (dup2(null, fd) < 0) fail_errno("dup2");
  if (null > kRunnerSocket) close(null);
  fcntl(kRunnerSocket, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_NAME, "sandbox-runner");
  // Where the host runs out of memory, jobs go first. Later, when this process may not be looked into, it
  // could not.
  if (const int error = write_kernel_file("/proc/self/oom_score_adj", "1000"))
    fail("/proc/self/oom_score_adj: {}", std::strerror(error));
  Unpacker in(paths);
  std::vector<std::string> read_only;
  in.list(read_only, [&](std::string& path) { in.field(path); });
  enter_namespaces();
  enter_private_root(read_only);
  if (prctl(PR_SET_DUMPABLE, 0) != 0) fail_errno("prctl(PR_SET_DUMPABLE)");
}

[[noreturn]] void be_first_process(const Job& job, const std::vector<sock_filter>& filter, int answer) {
  close(kRunnerSocket);
  JobResult result;
  pollfd runner{answer, 0, 0};
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || (poll(&runner, 1, 0) > 0 && (runner.revents & POLLERR)))
    _exit(1);
  try {
    result = supervise(job, filter);
  } catch (const std::exception& e) {
    result = refused(e.what());
  }
  _exit(send_message(answer, pack(result)) ? 0 : 1);
}

JobResult run(const Job& job, const std::vector<sock_filter>& filter) {
  if (job.argv.empty()) return refused("the job has no command");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return refused("pipe: " + std::string(std::strerror(errno)));
  const unsigned long kinds = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  const auto first = static_cast<pid_t>(syscall(SYS_clone, kinds | SIGCHLD, 0, 0, 0, 0));
  if (first == 0) {
    close(ends[0]);
    be_first_process(job, filter, ends[1]);
  }
  const int error = errno;
  close(ends[1]);
  if (first < 0) {
    close(ends[0]);
    return refused(fmt::format("PID namespaces: clone(CLONE_NEWPID): {}", std::strerror(error)));
  }
  const double deadline = seconds() + job.limits.wall_seconds + kEndingSeconds;
  pollfd waiting[2] = {{ends[0], POLLIN, 0}, {kRunnerSocket, POLLRDHUP, 0}};
  JobResult result = refused("the job's first process did not end in time");
  for (;;) {
    const int left = static_cast<int>(1e3 * (deadline - seconds()));
    const int ready = left > 0 ? poll(waiting, 2, left) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (waiting[1].revents) _exit(0);  // the program is gone, and the first process goes with this one
    if (ready > 0) {
      const std::optional<std::string> answer = receive_message(ends[0]);
      result = answer ? unpack_result(*answer) : refused("the job's first process ended early");
    }
    break;
  }
  close(ends[0]);
  kill(first, SIGKILL);
  while (waitpid(first, nullptr, 0) < 0 && errno == EINTR) {
  }
  return result;
}

[[noreturn]] void be_runner() {
  const std::optional<std::string> paths = receive_message(kRunnerSocket);
  if (!paths) _exit(0);
  try {
    prepare(*paths);
  } catch (const std::exception& e) {
    send_message(kRunnerSocket, e.what());
    _exit(1);
  }
  const std::vector<sock_filter> filter = syscall_filter();
  if (!send_message(kRunnerSocket, "")) _exit(0);
  while (const std::optional<std::string> message = receive_message(kRunnerSocket)) {
    JobResult result;
    try {
      result = run(unpack_job(*message), filter);
    } catch (const std::exception& e) {
      result = refused(e.what());
    }
    if (!send_message(kRunnerSocket, pack(result))) break;
  }
  _exit(0);
}

// Before other constructors of the program, which might start threads.
__attribute__((constructor(101))) void become_runner_if_asked(int count, char** words) {
  if (count == 1 && std::strcmp(words[0], kRunnerName) == 0) be_runner();
}

}  // namespace

const char* runner_name() { return kRunnerName; }

}  // namespace cohort
