#include "sandbox/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace cohort {
namespace {

// Reads a small file into `to`, ended by 0; false where the process is gone.
bool read_text(int folder, const std::string& path, char* to, size_t capacity) {
  const int fd = openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = read(fd, to, capacity - 1);
  close(fd);
  to[n > 0 ? n : 0] = '\0';
  return n > 0;
}

// Calls visit(name) for each entry that is a number.
template <class Visit>
void each_number(int folder, const char* path, Visit&& visit) {
  const int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = fd < 0 ? nullptr : fdopendir(fd);
  if (!entries) return;
  while (const dirent* entry = readdir(entries))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') visit(std::string(entry->d_name));
  closedir(entries);
}

template <class Visit>
void each_process(int proc, Visit&& visit) {
  each_number(proc, ".", [&](const std::string& pid) {
    if (pid != "1") visit(pid);
  });
}

int64_t resident_of(int proc, const std::string& task) {
  char text[256];
  long long size, pages;
  if (!read_text(proc, task + "/statm", text, sizeof text) ||
      std::sscanf(text, "%lld %lld", &size, &pages) != 2)
    return 0;
  return pages * sysconf(_SC_PAGESIZE);
}

// A process whose first thread has ended shows no memory of its own; its other threads still show it.
int64_t resident(int proc, const std::string& pid) {
  int64_t bytes = resident_of(proc, pid);
  if (bytes == 0)
    each_number(proc, (pid + "/task").c_str(), [&](const std::string& thread) {
      bytes = std::max(bytes, resident_of(proc, pid + "/task/" + thread));
    });
  return bytes;
}

}  // namespace

Usage job_usage(int proc) {
  static const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  Usage usage;
  each_process(proc, [&](const std::string& pid) {
    char text[1024];
    if (!read_text(proc, pid + "/stat", text, sizeof text)) return;
    const char* rest = std::strrchr(text, ')');  // the name before it may hold anything
    long long user, system, children_user, children_system;
    if (rest && std::sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld",
                            &user, &system, &children_user, &children_system) == 4)
      usage.cpu_seconds += tick * static_cast<double>(user + system + children_user + children_system);
    usage.memory += resident(proc, pid);
  });
  return usage;
}

int64_t job_memory_exact(int proc) {
  int64_t sum = 0;
  each_process(proc, [&](const std::string& pid) {
    char text[1024];
    long long kilobytes;
    const char* line =
        read_text(proc, pid + "/smaps_rollup", text, sizeof text) ? std::strstr(text, "\nPss:") : nullptr;
    sum += line && std::sscanf(line, "\nPss: %lld", &kilobytes) == 1 ? kilobytes * 1024 : resident(proc, pid);
  });
  return sum;
}

}  // namespace cohort
