#include "sandbox/probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "base/file.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr char kPrelude[] = R"(#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>
static char secret[256], host_file[256], host_socket[256];
static int host_port, host_pid;
static void tried(const char* what, long result) {
  if (result >= 0) printf("ESCAPED %s\n", what);
  fflush(stdout);
}
#define TRY(call) tried(#call, (long)(call))
#define TRY_SYSCALL(...) tried(#__VA_ARGS__, syscall(__VA_ARGS__))
static void attack(int count, char** words);
int main(int count, char** words) {
  if (scanf("%255s %255s %255s %d %d", secret, host_file, host_socket, &host_port, &host_pid) != 5) return 99;
  attack(count, words);
  puts("end");
  return 0;
}
static void attack(int count, char** words) {
)";

// What of this process an attack looks for.
struct Host {
  Host() {
    folder = fs::path(testing::TempDir()) / fmt::format("probe-{}", getpid());
    fs::create_directories(folder);
    file = folder / "canary";
    write_file(file, secret + "\n");
    open_file = open(file.c_str(), O_RDONLY);  // without O_CLOEXEC
    setenv("COHORT_CANARY", secret.c_str(), 1);
    tcp = listening(AF_INET, {});
    named = listening(AF_UNIX, (folder / "socket").string());
    abstract = listening(AF_UNIX, std::string(1, '\0') + fmt::format("cohort-{}", getpid()));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(tcp, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Host() {
    for (const int fd : {open_file, tcp, named, abstract}) close(fd);
    fs::remove_all(folder);
  }
  static int listening(int family, const std::string& name) {
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (family == AF_INET) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    } else {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      name.copy(address.sun_path, sizeof address.sun_path);
      const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
      EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    }
    EXPECT_EQ(listen(fd, 8), 0);
    return fd;
  }
  void expect_untouched() {
    EXPECT_EQ(read_file(file), secret + "\n");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
    for (const int fd : {tcp, named, abstract})
      EXPECT_LT(accept(fd, nullptr, nullptr), 0) << "a socket was reached";
  }
  std::string input() const {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n", secret, file.string(), (folder / "socket").string(), port,
                       getpid());
  }

  std::string secret = fmt::format("canary{:x}", static_cast<unsigned>(getpid()) * 2654435761u);
  fs::path folder, file;
  int open_file = -1, tcp = -1, named = -1, abstract = -1, port = 0;
};

int processes_with_argument(const std::string& word) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int fd = open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    char text[4096];
    const ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n > 0 && std::string_view(text, static_cast<size_t>(n)).find(word) != std::string_view::npos) ++count;
  }
  return count;
}

}  // namespace

void run_probe(const Probe& probe) {
  Host host;
  SandboxPool pool({1, {}});
  REQUIRE_SANDBOX(pool.support());
  Job job;
  const std::string marker = fmt::format("probe-{}-{}", probe.name, getpid());
  if (probe.kind == ProbeKind::c) {
    Job compile;
    compile.argv = {"gcc", "-x", "c", "-w", "-O0", "-o", "probe", "probe.c"};
    compile.files = {{"probe.c", std::string(kPrelude) + probe.source + "}\n"}};
    compile.fetch = "probe";
    compile.limits.cpu_seconds = 30;
    compile.limits.wall_seconds = 120;
    const JobResult compiled = pool.run(compile);
    ASSERT_EQ(compiled.outcome, JobOutcome::ok) << compiled.reason << "\n" << compiled.err;
    job.files = {{"probe", compiled.fetched}};
    job.argv = {"./probe", marker};
  } else if (probe.kind == ProbeKind::shell) {
    job.files = {{"main.sh", probe.source}};
    job.argv = {"sh", "main.sh", marker};
  } else {
    job.files = {{"main.cpp", probe.source}};
    job.argv = {"g++",
                "-std=c++20",
                "-O0",
                "-ftemplate-depth=100000",
                "-fconstexpr-ops-limit=100000000000",
                "-fconstexpr-loop-limit=2000000000",
                "-o",
                marker,
                "main.cpp"};
  }
  if (probe.kind != ProbeKind::compiler) job.input = host.input();
  const std::string_view says = probe.says ? probe.says : "";
  const double wall = says == kWall ? 1.5 : 8;
  const double cpu = probe.ends == kMemory ? 5 : 0.6;  // taking memory takes time
  job.limits = {.cpu_seconds = cpu, .wall_seconds = wall, .memory = 192 << 20, .disk = 16 << 20};
  const double start = seconds();
  const JobResult r = pool.run(job);
  const double took = seconds() - start;
  const std::string said =
      fmt::format("{} ({})\n{:.1000}\n{:.1000}", job_outcome_name(r.outcome), r.reason, r.out, r.err);
  EXPECT_TRUE(one_of({r.outcome}) & probe.ends) << said;
  EXPECT_NE((r.out + r.err + r.reason).find(says), std::string::npos) << said;
  for (const std::string& word : {std::string("ESCAPED"), host.secret})
    EXPECT_EQ((r.out + r.err + r.fetched).find(word), std::string::npos) << said;
  EXPECT_LT(took, wall + 4);
  EXPECT_EQ(processes_with_argument(marker), 0) << "a process is left";
  host.expect_untouched();
  Job plain;
  plain.argv = {"sh", "-c", "cat; echo x > f; cat f; (exit 0); echo $(echo child)"};
  plain.input = "in\n";
  const JobResult next = pool.run(plain);
  EXPECT_EQ(next.outcome, JobOutcome::ok) << next.reason;
  EXPECT_EQ(next.out, "in\nx\nchild\n") << next.err;
}

}  // namespace cohort
