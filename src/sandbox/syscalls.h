// The seccomp filter of jobs: a list of the system calls that ordinary programs, interpreters and compilers
// need. Every other call fails with ENOSYS, as on a kernel that does not have it.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace cohort {

// Left out on purpose: everything about mounts, namespaces, other processes' memory (ptrace, process_vm_*),
// sockets (but for socketpair, which reaches nobody else), keys, io_uring, BPF, perf, userfaultfd and splice,
// which have had holes; memfd and System V or POSIX queues, whose memory no limit of ours counts; sync, which
// flushes the host's disks; and limits of other processes. Calls for another architecture's numbers end the
// process.
std::vector<sock_filter> syscall_filter();

// From here on, for this process and its children. Needs no_new_privs. False with errno.
bool install_filter(const std::vector<sock_filter>& filter);

}  // namespace cohort
