// One run of a command in the sandbox: what goes in, what comes out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cohort {

struct JobLimits {
  double cpu_seconds = 4;    // of all processes of the job together
  double wall_seconds = 20;  // the last resort, for jobs that sleep
  int64_t memory =
      512 << 20;  // bytes: resident, of all processes together; a process may map twice that and 256 MB
  int64_t disk = 64 << 20;   // bytes in the job's folder, which lies in memory
  int64_t output = 1 << 20;  // bytes of standard output, and as many of standard error
  int32_t processes = 32;    // threads count as processes
  int32_t open_files = 64;
};

struct JobFile {
  std::string name;  // in the job's folder; no "/"
  std::string bytes;
};

struct Job {
  std::vector<std::string> argv;  // the program is looked for in kJobPath unless it has a "/"
  std::vector<JobFile> files;  // the command starts in a folder that has these, executable, and nothing else
  std::string input;           // standard input
  std::string fetch;           // name of a file to bring back where the job ends well; none where empty
  JobLimits limits;
};

enum class JobOutcome : uint8_t {
  ok,            // exit status 0
  nonzero_exit,  // another exit status
  timeout,       // cpu_seconds or wall_seconds
  memory,        // over the limit, or the program itself said that it got no memory
  crash,         // ended by a signal
  output_limit,
  refused,  // was not run: no fault of the program's; `reason` says why
};
const char* job_outcome_name(JobOutcome outcome);  // "ok", "nonzero exit", "time-out", ...

struct JobResult {
  JobOutcome outcome = JobOutcome::refused;
  std::string reason;       // one line, for people; empty where ok
  int32_t exit_code = 0;    // where it exited
  int32_t signal = 0;       // where a signal ended it
  std::string out, err;     // bytes as written, cut at the limit
  std::string fetched;      // contents of Job::fetch
  double seconds = 0;       // wall, from start to end
  double cpu_seconds = 0;   // of all processes together
  int64_t peak_memory = 0;  // bytes, of the largest process
};

// The result of a job that was not run.
inline JobResult refused(std::string reason) {
  JobResult result;
  result.reason = std::move(reason);
  return result;
}

// Jobs know no environment but this, the folder /job/work they start in, and /tmp.
inline constexpr char kJobPath[] = "/usr/local/bin:/usr/bin:/bin";
inline constexpr char kJobFolder[] = "/job/work";

}  // namespace cohort
