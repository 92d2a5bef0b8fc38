#include "sandbox/program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "sandbox/syscalls.h"
#include "sandbox/user.h"

namespace cohort {
namespace {

constexpr int64_t kStack = 64 << 20, kMappedBeyond = 256 << 20;

// Lower or equal; a hard limit of the host's that is lower stays.
void limit(__rlimit_resource resource, int64_t value, const char* name) {
  rlimit now{};
  getrlimit(resource, &now);
  now.rlim_cur = now.rlim_max = std::min(now.rlim_max, static_cast<rlim_t>(value));
  if (setrlimit(resource, &now) != 0) fail_errno(fmt::format("setrlimit({})", name));
}

void set_limits(const JobLimits& l, int hidden_processes) {
  limit(RLIMIT_AS, 2 * l.memory + kMappedBeyond, "RLIMIT_AS");
  limit(RLIMIT_STACK, std::min(kStack, l.memory), "RLIMIT_STACK");
  limit(RLIMIT_CPU, static_cast<int64_t>(std::ceil(l.cpu_seconds)) + 1,
        "RLIMIT_CPU");  // behind the supervisor's
  limit(RLIMIT_FSIZE, l.disk, "RLIMIT_FSIZE");
  limit(RLIMIT_NOFILE, l.open_files, "RLIMIT_NOFILE");
  limit(RLIMIT_NPROC, l.processes + hidden_processes, "RLIMIT_NPROC");
  limit(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
  limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
  limit(RLIMIT_SIGPENDING, 256, "RLIMIT_SIGPENDING");
  limit(RLIMIT_RTPRIO, 0, "RLIMIT_RTPRIO");
  // 1, not 0: a crash reporter that the kernel pipes dumps to is started at 0, and not at 1.
  limit(RLIMIT_CORE, 1, "RLIMIT_CORE");
}

void drop_capabilities() {
  const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                             SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                             SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, bits) != 0) fail_errno("prctl(PR_SET_SECUREBITS)");
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability) != 0) fail_errno("prctl(PR_CAPBSET_DROP)");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) fail_errno("capset");
}

void set_descriptors(const ProgramStart& start) {
  // Above the three first, so that none is overwritten before it is moved.
  int moved[4];
  const int from[4] = {start.input, start.output, start.errors, start.failure};
  for (int i = 0; i < 4; ++i)
    if ((moved[i] = fcntl(from[i], F_DUPFD, 8)) < 0) fail_errno("fcntl(F_DUPFD)");
  for (int i = 0; i < 3; ++i)
    if (dup2(moved[i], i) < 0) fail_errno("dup2");
  if (dup3(moved[3], 3, O_CLOEXEC) < 0) fail_errno("dup3");
  if (close_range(4, ~0U, 0) != 0) fail_errno("close_range", "needs Linux 5.9");
}

void execute(const Job& job) {
  std::vector<char*> argv;
  for (const std::string& word : job.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::string path = std::string("PATH=") + kJobPath, home = std::string("HOME=") + kJobFolder;
  char language[] = "LANG=C.UTF-8", temporary[] = "TMPDIR=/tmp", hash[] = "PYTHONHASHSEED=0",
       threads[] = "OMP_NUM_THREADS=1";
  char* const environment[] = {path.data(), home.data(), language, temporary, hash, threads, nullptr};
  if (job.argv[0].find('/') != std::string::npos) {
    execve(argv[0], argv.data(), environment);
    return;
  }
  int error = ENOENT;
  for (std::string_view rest = kJobPath; !rest.empty();) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = fmt::format("{}/{}", rest.substr(0, end), job.argv[0]);
    execve(file.c_str(), argv.data(), environment);
    if (errno != ENOENT) error = errno;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  errno = error;
}

}  // namespace

void start_program(const Job& job, const ProgramStart& start, const std::vector<sock_filter>& filter,
                   int hidden_processes) {
  int failure = start.failure;
  std::string message;
  try {
    setsid();
    if (chdir(kJobFolder) != 0) fail_errno("chdir");
    set_descriptors(start);
    failure = 3;
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int s = 1; s < NSIG; ++s) sigaction(s, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    set_limits(job.limits, hidden_processes);
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail_errno("prctl(PR_SET_NO_NEW_PRIVS)");
    if (!install_filter(filter)) fail_errno("seccomp filters", "the kernel needs CONFIG_SECCOMP_FILTER");
    execute(job);
    message = errno == ENOENT && job.argv[0].find('/') == std::string::npos
                  ? fmt::format("{} is not installed", job.argv[0])
                  : fmt::format("starting {}: {}", job.argv[0], std::strerror(errno));
  } catch (const std::exception& e) {
    message = e.what();
  }
  [[maybe_unused]] const ssize_t n = write(failure, message.data(), message.size());
  _exit(127);
}

}  // namespace cohort
