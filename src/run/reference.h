// The second model of a run: the policy's starting point (frozen, or moved towards the policy now and then),
// or a teacher.
#pragma once

#include <filesystem>
#include <memory>

#include "rl/trainer.h"
#include "run/recipe.h"

namespace cohort {

class Reference {
 public:
  // From `path` (a Hugging Face folder or a GGUF file). Throws Error where its vocabulary is not the
  // policy's.
  Reference(const std::string& path, const ModelConfig& policy);

  // Sample::ref_log_probs of every completion token.
  void write_log_probs(Trainer& trainer, std::span<Group> groups) const;

  // TRL's sync_ref_model: reference = alpha x policy + (1 - alpha) x reference.
  void move_towards(const Model& policy, double alpha);

  // reference.safetensors in a checkpoint's folder, where the reference has moved since the start.
  void save(const std::filesystem::path& folder) const;
  void load(const std::filesystem::path& folder);

 private:
  std::unique_ptr<Model> model_;
  bool moved_ = false;
};

}  // namespace cohort
