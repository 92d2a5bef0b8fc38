// A job's first process: makes the job's world, starts the program, watches its limits, and is its end: when
// this process is gone, the kernel kills every process of the job.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "sandbox/job.h"

namespace cohort {

// In process 1 of a new PID namespace with its own mounts. Returns when no other process of the job lives.
JobResult supervise(const Job& job, const std::vector<sock_filter>& filter);

}  // namespace cohort
