// A sample as a row of samples.jsonl: generate's fields and, where there are any, step, ref_log_probs,
// rewards, reward, advantages.
#pragma once

#include <string>

#include "rl/sample.h"

namespace cohort {

// One line of JSON without its newline. step < 0: none. Floats are written so that they read back to the same
// bits.
std::string sample_json(const Sample& sample, int64_t step);

}  // namespace cohort
