// A policy-shaped transformer with a scalar head on the final norm's output: PPO's value model, and a reward
// model (the value at the last token).
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "model/optimizer.h"
#include "model/trunk.h"

namespace cohort {

// The configuration of the critic that `policy` is the shape of: `scalar_head`, the rest as it is.
ModelConfig critic_config(ModelConfig policy);

class Critic {
 public:
  // A language model's configuration and flat weights: the trunk copies them (the vocabulary head is not
  // used), and the scalar head starts at 0. With config.scalar_head the weights are a critic's, head
  // included.
  Critic(const ModelConfig& config, const Tensor& weights);
  Critic(Critic&&) noexcept;
  Critic& operator=(Critic&&) noexcept;
  ~Critic();

  // The value at the node of each head row of the tree, before the row's target is appended: (R). Rows of one
  // node have one value. The bits depend on the node's path alone.
  std::vector<float> values(const TokenTree& tree);
  // The same, leaving what backward needs (Keep::all or inputs).
  std::vector<float> forward(const TokenTree& tree, Activations::Keep keep);
  // Once after forward on the same tree. seeds (R): d loss / d value; those of one node are added in the
  // order of the rows. Gradients add up until step(), with bits that do not depend on how the batch is cut
  // into trees.
  void backward(const TokenTree& tree, std::span<const float> seeds);
  // AdamW over trunk and head; clips their common norm (0: no clipping); returns the norm before clipping;
  // zeroes the gradients. Throws Error where the norm is not finite, with no weight changed.
  double step(const AdamWOptions& options, double max_grad_norm);

  // folder/model.safetensors (the head is "score.weight"), config.json (a sequence classification model of
  // one label, which AutoModelForSequenceClassification opens), and optimizer.safetensors where
  // `with_optimizer`. The folder is made where it is missing, and its files are synced. Gradients must have
  // been used by step().
  void save(const std::filesystem::path& folder, bool with_optimizer) const;
  // `steps`: updates done before, where the optimizer is loaded too; what follows has the bits it would have
  // had. Throws Error where something does not fit.
  static Critic load(const std::filesystem::path& folder, bool with_optimizer, int64_t steps);

  const ModelConfig& config() const;  // with scalar_head
  const Model& model() const;  // its gradients, for tests and norms, are in the layout of model().flat()
  Tensor gradients() const;    // added up since the last step(), embedding rows that wait included

 private:
  struct State;
  explicit Critic(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cohort
