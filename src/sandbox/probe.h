// Attacks on the sandbox, as tables: programs that try to break out or to do harm, and how each must end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>

#include "sandbox/pool.h"

// In a test: skips it, loudly, where there is no sandbox; with COHORT_REQUIRE_SANDBOX in the environment it
// fails.
#define REQUIRE_SANDBOX(support)                                                              \
  if (!(support).ok) {                                                                        \
    if (std::getenv("COHORT_REQUIRE_SANDBOX")) FAIL() << "no sandbox: " << (support).missing; \
    GTEST_SKIP() << "NO SANDBOX HERE: " << (support).missing;                                 \
  }

namespace cohort {

enum class ProbeKind : uint8_t {
  c,  // a C program, compiled inside the sandbox too, after a prelude (probe.cpp) with TRY(call): it prints
      // ESCAPED where the call is not refused; `secret`, `host_file`, `host_socket`, `host_port` and
      // `host_pid` are known (an abstract socket is named cohort-PID)
  shell,     // a script; the same five are lines of its input
  compiler,  // a C++ source that attacks the compiler
};

constexpr unsigned one_of(std::initializer_list<JobOutcome> outcomes) {
  unsigned bits = 0;
  for (const JobOutcome outcome : outcomes) bits |= 1u << static_cast<unsigned>(outcome);
  return bits;
}
constexpr unsigned kEndsWell = one_of({JobOutcome::ok}), kTimeout = one_of({JobOutcome::timeout}),
                   kMemory = one_of({JobOutcome::memory}), kCrash = one_of({JobOutcome::crash}),
                   kFails = one_of({JobOutcome::nonzero_exit}), kFlood = one_of({JobOutcome::output_limit}),
                   kAnyEnd = kEndsWell | kTimeout | kMemory | kCrash | kFails | kFlood;

constexpr char kWall[] = "s of wall time", kCpu[] = "s of CPU time";

struct Probe {
  const char* name;
  const char* attacks;
  ProbeKind kind;
  const char* source;
  unsigned ends;     // how it may end
  const char* says;  // must stand in its output or the reason of its end, so that a probe that did nothing
                     // fails; null: nothing
};
inline void PrintTo(const Probe& probe, std::ostream* out) { *out << probe.attacks; }

// Runs the probe and then a plain job. Contained is: it ends as it must, in time; it prints neither ESCAPED
// nor the secret, which stands in a file, the environment and an open descriptor of this process; it reaches
// none of this process's listening sockets; the file is as it was; no process of it is left; and the plain
// job goes well.
void run_probe(const Probe& probe);

inline std::string probe_name(const testing::TestParamInfo<Probe>& info) { return info.param.name; }

}  // namespace cohort
