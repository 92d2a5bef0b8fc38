// The two verbs of training. forward: a token tree in, the log-prob and entropy of every head row out.
// backward: seeds in, sum_r seed_r * grad(log_prob_r) + entropy_seed_r * grad(entropy_r) added to the
// gradients. No loss, no autograd.
#pragma once

#include <span>
#include <vector>

#include "model/trunk.h"

namespace cohort {

// Per head row of the tree, (R) each.
struct RowOutputs {
  std::vector<float> log_prob, entropy;
};
struct RowSeeds {
  std::vector<float> log_prob, entropy;  // entropy may be empty: all zero
};

// The head rows of a tree, grouped by node: logits are computed once per node, however many targets it has.
struct HeadPlan {
  std::vector<int32_t> nodes;    // (U) distinct nodes, increasing
  std::vector<int32_t> offsets;  // (U + 1) into targets
  std::vector<int32_t> targets;  // (R)
  std::vector<int32_t> rows;     // (R) which head row of the tree each target is
  explicit HeadPlan(const TokenTree& tree);
};

class Transformer {
 public:
  explicit Transformer(int64_t chunk_rows = kChunkRows) : trunk_(chunk_rows) {}

  // Log-probs of the tree's head rows under softmax(logits / temperature). With Keep::none nothing is left
  // for backward. Where seeds are known beforehand they are given here with `gradients`, and the head's
  // gradient is done in the same pass.
  RowOutputs forward(const Model& model, const TokenTree& tree, float temperature, Activations::Keep keep,
                     const RowSeeds* seeds = nullptr, Gradients* gradients = nullptr);

  // Once after a forward with Keep::all or inputs, on the same tree. `seeds` as given to that forward, or
  // fresh ones.
  void backward(const Model& model, const TokenTree& tree, const RowSeeds& seeds, Gradients& gradients);

  // Without a forward: from a rollout's activations, where node i of the tree stands in row row_of_node[i].
  void backward_kept(const Model& model, const TokenTree& tree, float temperature, const RowSeeds& seeds,
                     const Activations& kept, std::span<const int32_t> row_of_node, Gradients& gradients);

 private:
  RowOutputs head_backward(const Model& model, const HeadPlan& head, const Tensor& hidden,
                           const RowSeeds& seeds, Gradients& gradients);

  Trunk trunk_;
  Tensor hidden_;  // what the trunk returned
  float inv_temperature_ = 1.0f;
  bool head_done_ = false;  // forward was given the seeds
};

}  // namespace cohort
