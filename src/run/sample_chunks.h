// Scored completions of many problems, a chunk of problems at a time: memory does not grow with the data.
#pragma once

#include <functional>

#include "rl/source.h"

namespace cohort {

// The problems in order, as many at a time as keep the engine busy where each makes `completions`
// completions: a few times as many as decode together, so that few wait for a chunk's longest.
void for_chunks(const Problems& problems, int64_t completions, const GenerationOptions& options,
                const std::function<void(std::span<const Drawn>)>& take);

// Calls `take` with each chunk's problems and their scored groups of num_generations completions, in order,
// and `progress` with the completions finished so far. A completion's random numbers go by its problem's
// index: the chunks change no bit. Returns the rewards that could not be computed, with up to 3 reasons.
RewardFaults sample_in_chunks(const Model& model, const Tokenizer& tokenizer,
                              const Problems& problems, std::span<const RewardFunction> rewards,
                              int32_t num_generations, const GenerationOptions& options,
                              const std::function<void(int64_t)>& progress,
                              const std::function<void(std::span<const Drawn>, std::vector<Group>&)>& take);

}  // namespace cohort
