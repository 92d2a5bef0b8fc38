// What a run starts from: the recipe's model and adapter, or the checkpoint that is resumed.
#pragma once

#include <optional>

#include "model/checkpoint.h"
#include "run/recipe.h"
#include "run/run_state.h"

namespace cohort {

// Weights come later (load_weights). With use_peft there is an adapter: the resumed one, that of the recipe,
// or a new one. Throws Error where what the files hold is not what the recipe says.
Checkpoint load_start(const Recipe& recipe, const std::optional<FoundCheckpoint>& resumed);

// The adapter that the recipe itself starts from (on `base`), which is its reference; none: the base alone.
std::unique_ptr<Adapter> starting_adapter(const Recipe& recipe, const ModelConfig& base);

}  // namespace cohort
