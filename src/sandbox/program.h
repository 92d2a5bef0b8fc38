// The last steps before model-written code runs: from a trusted process to one that can do nothing but
// compute.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "sandbox/job.h"

namespace cohort {

struct ProgramStart {
  int input, output, errors;  // become 0, 1 and 2; every other descriptor is closed
  int failure;  // a pipe: what went wrong is written here, and nothing where the program started
};

// In a job's second process: own session, resource limits, no capabilities, no_new_privs, the filter of
// system calls, a clean environment, then exec. `hidden_processes`: those of the sandbox itself that count
// against the limit.
[[noreturn]] void start_program(const Job& job, const ProgramStart& start,
                                const std::vector<sock_filter>& filter, int hidden_processes);

}  // namespace cohort
