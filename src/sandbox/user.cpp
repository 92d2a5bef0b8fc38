#include "sandbox/user.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace cohort {

void fail_errno(const std::string& what, const std::string& hint) {
  const int error = errno;
  fail("{}: {}{}", what, std::strerror(error), hint.empty() ? "" : fmt::format(" ({})", hint));
}

int write_kernel_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t n = write(fd, text.data(), text.size());
  const int error = n == static_cast<ssize_t>(text.size()) ? 0 : errno;
  close(fd);
  return error;
}

namespace {

// Whether the id exists in the user namespace that this process is in.
bool mapped(const char* map_file, unsigned long id) {
  std::ifstream in(map_file);
  for (unsigned long first, outer, count; in >> first >> outer >> count;)
    if (id >= first && id - first < count) return true;
  return false;
}

struct Ids {
  unsigned uid, gid;
};

Ids outside_ids() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  const unsigned pid = static_cast<unsigned>(getpid());
  for (const unsigned id : {kFirstOutsideId + pid, 60000 + pid % 5000})
    if (mapped("/proc/self/uid_map", id) && mapped("/proc/self/gid_map", id)) return {id, id};
  return {geteuid(), getegid()};
}

// In the helper process: names the ids of its parent's new user namespace. Empty, or what went wrong.
std::string write_maps(pid_t of, Ids ids) {
  const std::string folder = fmt::format("/proc/{}/", of);
  const std::pair<const char*, std::string> files[] = {
      {"setgroups", "deny"},
      {"uid_map", fmt::format("{} {} 1", kInsideId, ids.uid)},
      {"gid_map", fmt::format("{} {} 1", kInsideId, ids.gid)}};
  for (const auto& [name, text] : files)
    if (const int error = write_kernel_file(folder + name, text))
      return fmt::format("user namespaces: writing \"{}\" to {}: {}", text, name, std::strerror(error));
  return {};
}

std::string first_line(const char* path) {
  std::string line;
  std::ifstream in(path);
  std::getline(in, line);
  return line;
}

// Why a user namespace may not be created, as far as the kernel's settings tell.
std::string user_namespace_hint() {
  if (first_line("/proc/sys/user/max_user_namespaces") == "0") return "user.max_user_namespaces is 0";
  if (first_line("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    return "kernel.unprivileged_userns_clone is 0";
  if (first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "kernel.apparmor_restrict_unprivileged_userns is 1";
  if (access("/proc/self/ns/user", F_OK) != 0) return "the kernel is built without CONFIG_USER_NS";
  return "perhaps a container's seccomp filter; Docker's default one forbids it";
}

}  // namespace

void enter_namespaces() {
  const Ids ids = outside_ids();
  if (geteuid() == 0 && setgroups(0, nullptr) != 0 && errno != EPERM) fail_errno("setgroups");

  // A process without privileges cannot name another user in its own namespace; one that stays outside can.
  int ready[2], done[2];
  if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(done, O_CLOEXEC) != 0) fail_errno("pipe");
  const pid_t self = getpid();
  const pid_t helper = fork();
  if (helper < 0) fail_errno("fork");
  if (helper == 0) {
    close(ready[1]);
    char byte;
    if (read(ready[0], &byte, 1) == 1) {
      const std::string error = write_maps(self, ids);
      [[maybe_unused]] const ssize_t n = write(done[1], error.data(), error.size());
    }
    _exit(0);
  }
  close(ready[0]);
  close(done[1]);
  std::string error;
  if (unshare(CLONE_NEWUSER) != 0) {
    error = fmt::format("user namespaces: unshare(CLONE_NEWUSER): {} ({})", std::strerror(errno),
                        user_namespace_hint());
    close(ready[1]);
  } else {
    [[maybe_unused]] const ssize_t n = write(ready[1], "", 1);
    close(ready[1]);
    char buffer[256];
    for (ssize_t got; (got = read(done[0], buffer, sizeof buffer)) > 0;)
      error.append(buffer, static_cast<size_t>(got));
  }
  close(done[0]);
  waitpid(helper, nullptr, 0);
  if (!error.empty()) throw Error(error);

  if (setresgid(kInsideId, kInsideId, kInsideId) != 0) fail_errno("setresgid");
  if (setresuid(kInsideId, kInsideId, kInsideId) != 0) fail_errno("setresuid");
  const std::pair<int, const char*> kinds[] = {{CLONE_NEWNS, "mount"},
                                               {CLONE_NEWNET, "network"},
                                               {CLONE_NEWIPC, "IPC"},
                                               {CLONE_NEWUTS, "UTS"},
                                               {CLONE_NEWCGROUP, "cgroup"}};
  for (const auto& [flag, name] : kinds)
    if (unshare(flag) != 0) fail_errno(fmt::format("{} namespaces: unshare", name));
}

}  // namespace cohort
