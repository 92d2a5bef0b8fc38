// The file system that jobs see: the system's programs and libraries, read-only, and nothing else of the
// machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace cohort {

// In the runner, once, after enter_namespaces(): from then on this process too sees only the new root, which
// has /usr, /bin, /sbin, /lib* and what dynamic linking and Debian's alternatives need of /etc, each
// read-only; /dev with null, zero, full, random and urandom; and `read_only`: further folders or files, under
// their own names. Throws Error.
void enter_private_root(std::span<const std::string> read_only);

// In a job's first process, in its own PID and mount namespaces: a new /proc that shows this job alone,
// without the calling process, and an empty folder /job in memory of at most `disk` bytes, with work, tmp
// (which is also /tmp) and shm (/dev/shm). Returns an open /proc that shows all of the job and stands at no
// path. Throws Error.
int mount_job_folders(int64_t disk);

}  // namespace cohort
