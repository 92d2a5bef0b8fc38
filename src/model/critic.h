// A policy-shaped transformer with a scalar head on the final norm's output: PPO's value model, and a reward model (the value at the last token).
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "model/optimizer.h"
#include "model/transformer.h"

namespace cohort {

class Critic {
 public:
  // The trunk takes `weights` (as Model does: flat, in parameter order; the vocabulary head is not used), the scalar head starts at 0.
  Critic(const ModelConfig& config, Buffer weights);

  // The value at the node of each head row of the tree: (R), V before the row's target is appended.
  std::vector<float> values(const TokenTree& tree);
  // The same, leaving what backward needs.
  std::vector<float> forward(const TokenTree& tree, Activations::Keep keep);
  // Once after forward on the same tree. seeds (R): d loss / d value. Gradients add up until step().
  void backward(const TokenTree& tree, std::span<const float> seeds);
  // AdamW over trunk and head; clips their common norm; returns the norm before clipping; zeroes the gradients.
  double step(const AdamWOptions& options, double max_grad_norm);

  // folder/model.safetensors, config.json (a token classification model of one label: transformers' AutoModelForTokenClassification names, "score.weight"), and
  // optimizer.safetensors where `with_optimizer`. load throws Error where something does not fit.
  void save(const std::filesystem::path& folder, bool with_optimizer) const;
  void load(const std::filesystem::path& folder, bool with_optimizer, int64_t steps);

  const ModelConfig& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;

 public:
  ~Critic();
};

}  // namespace cohort
