// The process that runs jobs, one after another: this program's own file, started anew by exec.
#pragma once

namespace cohort {

// A program started under this name as its first word becomes a runner before anything of its own begins (a
// constructor of runner.cpp sees to it). It speaks through descriptor kRunnerSocket: it receives the paths
// that jobs may read, answers with an empty message, or with what the kernel lacks and ends; then it answers
// each job with its result, until the other side closes.
const char* runner_name();  // a function, so that whatever uses it is linked with the constructor
inline constexpr int kRunnerSocket = 3;

}  // namespace cohort
