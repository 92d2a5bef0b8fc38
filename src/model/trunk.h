// What every model is below its head: the layers over a token tree, from the embedding to the final norm, and
// back. The vocabulary head (transformer.h) and the scalar head (critic.h) stand on it.
#pragma once

#include <span>
#include <vector>

#include "model/activations.h"
#include "model/lora_gradient.h"
#include "model/model.h"
#include "tree/token_tree.h"

namespace cohort {

// Gradients of what is trained in one flat buffer; views of the rest are empty. A weight gradient's chain
// runs over the batch's tokens in their order and continues across micro-batches, so their size changes
// nothing. Embedding rows are set aside and added by finish(), because a tied head's chain must not be
// interrupted by them.
class Gradients {
 public:
  explicit Gradients(const ModelConfig& config);  // of all parameters
  explicit Gradients(const Model& model);         // in the layout of model.trained()
  void zero();
  void finish();  // call once after the batch's last backward
  Tensor flat() const { return buffer_.tensor({buffer_.size()}); }
  const WeightViews& views() const { return views_; }
  const LoraGroup& lora(int64_t layer, LoraPlace place) const { return lora_[layer].at(place); }
  void add_embedding(std::span<const int32_t> tokens, const Tensor& dx);

 private:
  Buffer buffer_;
  WeightViews views_;
  std::vector<LoraLayer> lora_;  // with an adapter
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

// The attention half of one layer in two parts: a.x in, a.attention out; then a.x_mid for rows [begin, end).
// And gate and up (n, 2F) before the activation, for the norm's output (n, C).
void attention_block(const Model& model, int64_t layer, const LayerInput& input, const LayerActivations& a,
                     LayerScratch& scratch);
void attention_output(const Model& model, int64_t layer, const LayerActivations& a, int64_t begin,
                      int64_t end, RowScratch& scratch);
void gate_up_projection(const Model& model, int64_t layer, const Tensor& normed, RowScratch& scratch,
                        Tensor gate_up);

// Holds the buffers that forward and backward need, reused from call to call.
class Trunk {
 public:
  explicit Trunk(int64_t chunk_rows = kChunkRows) {
    scratch_.chunk_rows = chunk_rows;
    scratch_.team_rows = std::min(chunk_rows, kTeamRows);
  }

  // Runs the tree; returns the final norm's output (U, C) at `nodes` (increasing), valid until the next call.
  // With Keep::none nothing is left for backward. Throws Error where a path is longer than the context.
  Tensor forward(const Model& model, const TokenTree& tree, std::span<const int32_t> nodes,
                 Activations::Keep keep);

  // The same without running it: from a rollout's activations, where node i of the tree stands in row
  // row_of_node[i].
  Tensor read_kept(const Model& model, const TokenTree& tree, std::span<const int32_t> nodes,
                   const Activations& kept, std::span<const int32_t> row_of_node);

  // Where the head leaves the gradient of what forward returned (U, C), before backward overwrites it.
  Tensor d_hidden() const { return d_hidden_view_; }

  // Once after forward with Keep::all or inputs, on the same tree; after read_kept give `kept` and the rows
  // again.
  void backward(const Model& model, const TokenTree& tree, Gradients& gradients,
                const Activations* kept = nullptr, std::span<const int32_t> row_of_node = {});

 private:
  void mlp_rows_backward(const Model& model, int64_t layer, const LayerActivations& a, bool recompute,
                         int64_t begin, int64_t end, const Tensor& dx, Gradients& gradients);
  void attention_rows_backward(const Model& model, int64_t layer, const LayerActivations& a, int64_t begin,
                               int64_t end, const Tensor& dx, std::span<const int32_t> positions,
                               Gradients& gradients);
  Tensor final_norm(const Model& model, std::span<const int32_t> nodes, const Activations& activations,
                    std::span<const int32_t> row_of_node);

  Activations activations_;
  Buffer kv_;                                      // one layer's keys and values
  std::vector<int32_t> nodes_;                     // those that the head reads (U)
  Buffer head_x_, hidden_, head_rstd_, d_hidden_;  // (U, C), (U, C), (U), (U, C)
  Tensor d_hidden_view_;
  LayerScratch scratch_;
  Buffer dx_, d_attention_, d_qkv_, gathered_;                                     // of the whole tree
  Buffer d_normed_;                                                                // of a chunk of rows
  PackedWeight qkv_t_, attention_out_t_, gate_up_t_, down_t_;                      // of the layer at hand
  GradientOperand d_out_, act_, d_gate_up_, d_mid_, attention_, d_rows_, normed_;  // of a chunk of rows
  LoraGradient lora_qkv_, lora_attention_out_, lora_gate_up_, lora_down_;          // the same
};

}  // namespace cohort
