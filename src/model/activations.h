// What a forward pass leaves behind for backward, and the workspaces of both. Rows are appended as they are
// computed: a training forward fills rows 0 .. N-1 in tree order; a rollout fills them in the order of its
// steps, and backward finds a node's row through an index. Memory is reserved for the worst case and touched
// only as rows arrive.
#pragma once

#include <algorithm>
#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace cohort {

// One layer's saved rows. Shapes for N rows:
struct LayerActivations {
  Tensor x;          // (N, C) the layer's input
  Tensor norm_rstd;  // (N)
  Tensor qkv;        // (N, (H + 2K) * D) after q/k norm and rope
  Tensor q_raw;      // (N, H * D) before the q/k norm; these four are empty without it
  Tensor k_raw;      // (N, K * D)
  Tensor q_rstd;     // (N, H)
  Tensor k_rstd;     // (N, K)
  Tensor attention;  // (N, H * D)
  Tensor lse;        // (N, H)
  Tensor x_mid;      // (N, C) after the attention block
  Tensor mid_rstd;   // (N)
  Tensor gate_up;    // (N, 2F); empty unless Keep::all
};

// Floats that one row of one layer takes.
int64_t layer_activation_floats(const ModelConfig& config);

// Scratch of the layer that runs now, one for each caller that runs layers at the same time. What a layer
// does row by row is done in chunks of rows, so scratch does not grow with the tree; results do not depend on
// the chunks.
inline constexpr int64_t kChunkRows = 4096;
struct LayerScratch {
  int64_t chunk_rows = kChunkRows;  // at most
  Buffer normed, act, gate_up;      // of one chunk: (n, C) a norm's output, (n, F), (n, 2F)
};

// The front of a buffer, grown where needed, as (rows, width).
inline Tensor workspace(Buffer& buffer, int64_t rows, int64_t width) {
  return Tensor(buffer.reserve(rows * width), {rows, width});
}

// Rows [begin, end) of a tensor that may be empty.
inline Tensor rows_of(const Tensor& t, int64_t begin, int64_t end) {
  return t ? t.slice(begin, end) : Tensor();
}

// use(begin, end) for nearly equal chunks of at most `most` of `rows` rows, in order.
template <class Use>
void for_row_chunks(int64_t rows, int64_t most, Use use) {
  const int64_t chunks = (rows + most - 1) / most, each = chunks ? (rows + chunks - 1) / chunks : 0;
  for (int64_t begin = 0; begin < rows; begin += each) use(begin, std::min(rows, begin + each));
}

class Activations {
 public:
  enum class Keep {
    all,     // every layer's rows
    inputs,  // each layer's input only; backward runs the layer again (gradient checkpointing)
    none,    // two layers' worth, used in turn: log-probs without backward
  };

  // Makes room for `rows` rows and forgets what was kept.
  void reset(const ModelConfig& config, int64_t rows, Keep keep);

  Keep keep() const { return keep_; }
  int64_t capacity() const { return capacity_; }
  int64_t rows() const { return rows_; }
  int64_t append(int64_t n);  // the first of n new rows

  // Rows [begin, begin + n) of layer l. With Keep::inputs only x is the layer's own; the rest is shared by
  // all layers.
  LayerActivations layer(int64_t l, int64_t begin, int64_t n) const;
  Tensor output(int64_t begin, int64_t n) const;  // (n, C) after the last layer, before the final norm
  static int64_t bytes(const ModelConfig& config, int64_t rows, Keep keep);

 private:
  Buffer inputs_;  // x of all layers and the output
  Buffer layers_;  // the rest
  ModelConfig config_;
  Keep keep_ = Keep::none;
  int64_t capacity_ = 0, rows_ = 0;
};

}  // namespace cohort
