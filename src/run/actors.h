// The models of a run: the policy with its optimizer, and what its method wants beside it.
#pragma once

#include <memory>
#include <optional>

#include "model/checkpoint.h"
#include "rl/methods.h"
#include "rl/trainer.h"
#include "run/recipe.h"
#include "run/reference.h"
#include "run/reward_model.h"
#include "run/run_state.h"

namespace cohort {

struct Actors {
  // `start` is the recipe's model, or that of the checkpoint that is resumed; its weights move into the
  // policy. Of `rewards` those that reward models compute get their models. Throws Error where another
  // model's vocabulary is not the policy's.
  Actors(const Recipe& recipe, const Method& method, Checkpoint start,
         const std::optional<FoundCheckpoint>& resumed, std::span<RewardFunction> rewards);

  // Frees the weights of all reward models until they are used again.
  void offload_reward_models();

  // Everything as OUTPUT_DIR/checkpoint-N for state.step.
  void save(const Recipe& recipe, const RunState& state);

  Checkpoint start;  // tokenizer and texts
  Model model;
  std::unique_ptr<Optimizer> optimizer;  // null where the method's steps leave no state (trpo)
  std::unique_ptr<Critic> critic;        // null where the method has none
  std::unique_ptr<Reference> reference;  // or a teacher; null where none is wanted
  Trainer trainer;
  RewardModels reward_models;
  std::unique_ptr<RewardModel> process_reward_model;  // null: steps are held against gold ones
};

}  // namespace cohort
