// The two verbs of training. forward: a token tree in, the log-prob and entropy of every head row out.
// backward: seeds in, sum_r seed_r * grad(log_prob_r) + entropy_seed_r * grad(entropy_r) added to the
// gradients. No loss, no autograd.
#pragma once

#include <span>
#include <vector>

#include "model/activations.h"
#include "model/model.h"
#include "tree/token_tree.h"

namespace cohort {

// Per head row of the tree, (R) each.
struct RowOutputs {
  std::vector<float> log_prob, entropy;
};
struct RowSeeds {
  std::vector<float> log_prob, entropy;  // entropy may be empty: all zero
};

// Gradients of all parameters in one flat buffer. A weight gradient's chain runs over the batch's tokens in
// their order and continues across micro-batches, so their size changes nothing. Embedding rows are set aside
// and added by finish(), because a tied head's chain must not be interrupted by them.
class Gradients {
 public:
  explicit Gradients(const ModelConfig& config);
  void zero();
  void finish();  // call once after the batch's last backward
  Tensor flat() const { return buffer_.tensor({buffer_.size()}); }
  const WeightViews& views() const { return views_; }
  void add_embedding(std::span<const int32_t> tokens, const Tensor& dx);

 private:
  Buffer buffer_;
  WeightViews views_;
  std::vector<int32_t> tokens_;
  std::vector<float> rows_;  // (pending tokens, C)
  int64_t width_;
};

// Rows for the layers: training passes all of a tree's, a rollout step those that it computes now.
struct LayerInput {
  std::span<const int32_t> tokens, positions;  // (n)
  const AttentionBatch* attention;
  KvStore store;  // layer 0's blocks
  int64_t layer_stride =
      0;  // floats from a block's layer l to its layer l + 1 (0: one layer's store serves all)
};

// Runs all layers over n rows, rows [first, first + n) of `activations` (from its append()). Their outputs
// (before the final norm) are activations.output(first, n). Callers with rows, blocks and scratch of their
// own may run at the same time.
void forward_layers(const Model& model, const LayerInput& input, const Activations& activations,
                    int64_t first, LayerScratch& scratch);

// One layer over n rows: a.x in, x_next out; what backward needs is left in a. normed (n, C) and act (n, F)
// are scratch.
void layer_forward(const Model& model, int64_t layer, const LayerInput& input, const LayerActivations& a,
                   Tensor normed, Tensor act, Tensor x_next);

// The head rows of a tree, grouped by node: logits are computed once per node, however many targets it has.
struct HeadPlan {
  std::vector<int32_t> nodes;    // (U) distinct nodes, increasing
  std::vector<int32_t> offsets;  // (U + 1) into targets
  std::vector<int32_t> targets;  // (R)
  std::vector<int32_t> rows;     // (R) which head row of the tree each target is
  explicit HeadPlan(const TokenTree& tree);
};

// Holds the buffers that forward and backward need, reused from call to call.
class Transformer {
 public:
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
  void gather_head(const HeadPlan& head, const Activations& activations, std::span<const int32_t> row_of_node,
                   const Model& model);
  void head_backward(const Model& model, const HeadPlan& head, const RowSeeds& seeds, Gradients& gradients,
                     RowOutputs& outputs);
  // From d_hidden_ (the head's) down to the embedding.
  void layers_backward(const Model& model, const TokenTree& tree, const HeadPlan& head,
                       const Activations& saved, std::span<const int32_t> row_of_node, Gradients& gradients);

  Activations activations_;
  Buffer kv_;                                      // one layer's keys and values
  Buffer head_x_, hidden_, head_rstd_, d_hidden_;  // (U, C), (U, C), (U), (U, C)
  LayerScratch scratch_;
  Buffer dx_, d_normed_, d_act_, d_attention_, d_qkv_, gathered_;
  float inv_temperature_ = 1.0f;
  bool head_done_ = false;  // forward was given the seeds
};

}  // namespace cohort
