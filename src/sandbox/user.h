// The runner's own user: an unprivileged one outside, and namespaces in which it may build the jobs' world.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace cohort {

inline constexpr int kInsideId =
    1000;  // user and group of everything that runs in the sandbox, as it sees itself

// Moves this process, which must have one thread, into new user, mount, network, IPC, UTS and cgroup
// namespaces. Outside it is from then on the user it was, or, where it was root, a user and a group of its
// own that own nothing (below kFirstOutsideId + process id where they exist, else 60000 to 64999), without
// supplementary groups. Throws Error that says which feature of the kernel is missing.
void enter_namespaces();

inline constexpr unsigned kFirstOutsideId = 0x70000000;

// Throws Error "what: the system's reason" with errno, and a hint.
[[noreturn]] void fail_errno(const std::string& what, const std::string& hint = "");

// write() of a short text into a file of the kernel's; 0 or errno.
int write_kernel_file(const std::string& path, const std::string& text);

}  // namespace cohort
