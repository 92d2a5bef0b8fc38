// A run: the loop from a recipe to checkpoints. rollout -> reward -> credit -> update, with evaluation,
// saving and resume.
#pragma once

#include <functional>

#include "run/evaluate.h"
#include "run/recipe.h"

namespace cohort {

struct RunHooks {
  std::function<bool()> stop_requested;  // asked between steps: true saves a checkpoint and ends the run
  std::function<bool(int64_t step, const Evaluation&)>
      enough;  // asked after an evaluation: true makes this step the last
};

// Returns false where stop_requested ended it.
bool train(const Recipe& recipe, const RunHooks& hooks);

}  // namespace cohort
