// Built-in tasks in plain English, for pretrained models: each problem is drawn by itself from a seed and a
// difficulty.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/philox.h"
#include "data/rows.h"

namespace cohort {

inline int64_t power_of_ten(int64_t n) { return n == 0 ? 1 : 10 * power_of_ten(n - 1); }

// Random numbers of one problem, in the order in which they are asked for.
class ProblemRandom {
 public:
  ProblemRandom(uint64_t seed, uint64_t attempt) : seed_(seed), attempt_(attempt) {}
  int64_t below(int64_t n) {  // 0 .. n - 1
    return static_cast<int64_t>(uniform53(seed_, Stream::data, static_cast<uint32_t>(attempt_ >> 32),
                                          static_cast<uint32_t>(attempt_), 1, drawn_++) *
                                static_cast<double>(n));
  }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }

 private:
  uint64_t seed_, attempt_;
  uint32_t drawn_ = 0;
};

struct GeneratedTask {
  std::string_view name, summary;
  int32_t most_difficult;
  Row (*make)(ProblemRandom& random, int32_t difficulty);  // 1 is easiest
};
std::span<const GeneratedTask> generated_tasks();

}  // namespace cohort
