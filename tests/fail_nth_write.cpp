// Preloaded into the program by tests (LD_PRELOAD): counts the calls that change files inside one folder, and
// lets the n-th of them go wrong. Environment:
//   FAULT_FOLDER  calls on paths inside this folder count: open for writing, write, fsync, rename, mkdir, ftruncate, unlink
//   FAULT_AT      which call, from 1; 0 or absent: none
//   FAULT_ACTION  ENOSPC or EIO: that call fails (a write after half of its bytes); FULL: from that call on the disk is
//                 full; KILL: SIGKILL inside it (a write after half of its bytes); TERM: SIGTERM before it
//   FAULT_TRACE   a file outside the folder that receives a line "KIND PATH" for each call; "! " before the one that failed
// fsync returns without syncing: a killed process loses nothing that the kernel holds, and tests sync
// thousands of times.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<long> calls{0};

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

bool inside(const char* path) {
  const char* folder = getenv("FAULT_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

struct PathOf {  // of a descriptor
  char text[4096] = {};
  explicit PathOf(int fd) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, text, sizeof text - 1) < 0) text[0] = 0;
  }
};

enum class Fate { pass, fail, kill };

// Counts a call; sets errno where it shall fail.
Fate fate(const char* kind, const char* path) {
  const long n = ++calls;
  const char *at_text = getenv("FAULT_AT"), *action = getenv("FAULT_ACTION"), *trace = getenv("FAULT_TRACE");
  const long at = at_text ? atol(at_text) : 0;
  const bool full = action && strcmp(action, "FULL") == 0;
  const bool chosen = at > 0 && action && (n == at || (full && n > at && strcmp(kind, "unlink") != 0));
  if (trace) {
    char line[4200];
    const int length = snprintf(line, sizeof line, "%s%s %s\n", chosen ? "! " : "", kind, path);
    const long fd = syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
      syscall(SYS_write, fd, line, length);
      syscall(SYS_close, fd);
    }
  }
  if (!chosen) return Fate::pass;
  if (strcmp(action, "KILL") == 0) return Fate::kill;
  if (strcmp(action, "TERM") == 0) {
    kill(getpid(), SIGTERM);
    return Fate::pass;
  }
  errno = strcmp(action, "EIO") == 0 ? EIO : ENOSPC;
  return Fate::fail;
}

// For calls that do all or nothing: killed before them.
bool fails(const char* kind, const char* path) {
  const Fate f = fate(kind, path);
  if (f == Fate::kill) kill(getpid(), SIGKILL);
  return f == Fate::fail;
}

int open_any(const char* name, const char* path, int flags, mode_t mode) {
  if ((flags & (O_WRONLY | O_RDWR)) && inside(path) && fails("open", path)) return -1;
  return real<int(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list list) { return flags & O_CREAT ? va_arg(list, mode_t) : 0; }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return open_any("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return open_any("open64", path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* next = real<ssize_t(int, const void*, size_t)>("write");
  const PathOf path(fd);
  if (!inside(path.text)) return next(fd, bytes, size);
  const Fate f = fate("write", path.text);
  if (f == Fate::pass) return next(fd, bytes, size);
  const int error = errno;
  if (next(fd, bytes, size / 2) < 0) return -1;
  if (f == Fate::kill) kill(getpid(), SIGKILL);
  errno = error;
  return -1;
}

int fsync(int fd) {
  const PathOf path(fd);
  return inside(path.text) && fails("fsync", path.text) ? -1 : 0;
}

int ftruncate(int fd, off_t length) noexcept {
  static auto* next = real<int(int, off_t)>("ftruncate");
  const PathOf path(fd);
  return inside(path.text) && fails("ftruncate", path.text) ? -1 : next(fd, length);
}

int rename(const char* from, const char* to) noexcept {
  static auto* next = real<int(const char*, const char*)>("rename");
  return inside(to) && fails("rename", to) ? -1 : next(from, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  static auto* next = real<int(const char*, mode_t)>("mkdir");
  return inside(path) && fails("mkdir", path) ? -1 : next(path, mode);
}

int unlink(const char* path) noexcept {
  static auto* next = real<int(const char*)>("unlink");
  return inside(path) && fails("unlink", path) ? -1 : next(path);
}

int unlinkat(int folder, const char* path, int flags) noexcept {  // std::filesystem::remove_all
  static auto* next = real<int(int, const char*, int)>("unlinkat");
  PathOf whole(folder);
  const size_t used = strlen(whole.text);
  if (folder == AT_FDCWD || path[0] == '/')
    snprintf(whole.text, sizeof whole.text, "%s", path);
  else
    snprintf(whole.text + used, sizeof whole.text - used, "/%s", path);
  return inside(whole.text) && fails("unlink", whole.text) ? -1 : next(folder, path, flags);
}

}  // extern "C"
