// What the processes of a job use, as the kernel tells the job's first process.
#pragma once

#include <cstdint>

namespace cohort {

struct Usage {
  double cpu_seconds = 0;  // of the living and of the children they have waited for; in the kernel's ticks
  int64_t memory = 0;      // bytes: resident, shared pages counted for each process that has them
};

// `proc` is an open folder, a /proc of the job's PID namespace. Of all processes in it but the first.
Usage job_usage(int proc);

// The same memory with each shared page counted once (the kernel's "proportional set size"): slow, exact.
int64_t job_memory_exact(int proc);

}  // namespace cohort
