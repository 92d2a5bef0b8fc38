// The second model of a run: the policy's starting point (frozen, or moved towards the policy now and then),
// or a teacher. Of a policy with an adapter it is the policy's own base with another adapter or none, and
// costs no second copy of the weights.
#pragma once

#include <filesystem>
#include <memory>

#include "rl/trainer.h"
#include "run/recipe.h"

namespace cohort {

// Whether the recipe moves the policy's reference after the start.
bool reference_moves(const Recipe& recipe);

class Reference {
 public:
  // From `path` (a Hugging Face folder or a GGUF file). One that never moves is held in panels alone. Throws
  // Error where its vocabulary is not the policy's.
  Reference(const std::string& path, const ModelConfig& policy, bool moves);
  // The base of `policy`, which must outlive this, with the adapter that it started from; null: alone.
  Reference(Model& policy, std::unique_ptr<Adapter> adapter)
      : policy_(&policy), adapter_(std::move(adapter)) {}

  // Sample::ref_log_probs of every completion token.
  void write_log_probs(Trainer& trainer, std::span<Group> groups);

  // TRL's sync_ref_model: reference = alpha x policy + (1 - alpha) x reference; alpha is 1 with an adapter.
  void move_towards(const Model& policy, double alpha);

  // reference.safetensors in a checkpoint's folder, where the reference has moved since the start.
  void save(const std::filesystem::path& folder) const;
  void load(const std::filesystem::path& folder);

 private:
  std::unique_ptr<Model> model_;  // null: the policy's base with adapter_
  Model* policy_ = nullptr;
  std::unique_ptr<Adapter> adapter_;
  bool moved_ = false;
};

}  // namespace cohort
