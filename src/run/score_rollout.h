// Rewards of a rollout, journaled: written before they are used, and taken from the journal when a resumed
// run comes to the step again.
#pragma once

#include "rl/source.h"
#include "run/run_files.h"

namespace cohort {

// Of the draw-th draw of prompts for step first_step. `stop_on_error`: throws Error where a reward cannot be computed.
void score_rollout(std::span<const Drawn> drawn, std::span<const RewardFunction> rewards, int64_t first_step,
                   int64_t draw, bool stop_on_error, RewardJournal& journal, std::span<Group> groups);

}  // namespace cohort
