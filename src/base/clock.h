// Wall time for timings; nothing of it reaches the files that are promised byte for byte.
#pragma once

#include <chrono>

namespace cohort {

// Seconds on a clock that never runs backwards.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cohort
