// What a forward pass leaves behind for backward, and the workspaces of both. Rows are appended as they are
// computed: a training forward fills rows 0 .. N-1 in tree order; a rollout fills them in the order of its
// steps, and backward finds a node's row through an index. Memory is reserved for the worst case and touched
// only as rows arrive.
#pragma once

#include <omp.h>

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
// does row by row is done by teams of rows: each thread takes few enough rows through several ops that they
// stay in its cache. A weight gradient, where rows meet, is added chunk by chunk of such teams, so scratch
// does not grow with the tree. Results depend on neither.
inline constexpr int64_t kChunkRows = 2048, kTeamRows = 168;
struct RowScratch {  // of one team: (n, C), (n, F), (n, 2F), (n, 2F), (n, an adapter's ranks of one place)
  Buffer normed, act, gate_up, d_gate_up, low_rank;
};
struct LayerScratch {
  int64_t chunk_rows = kChunkRows, team_rows = kTeamRows;  // at most
  std::vector<RowScratch> threads;
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

// use(begin, end, scratch) for teams of rows of [first, last), by all threads at once. Where that would leave
// a thread few rows it is called for all of them, and the ops inside share the work.
template <class Use>
void for_row_teams(int64_t first, int64_t last, LayerScratch& scratch, Use use) {
  const int64_t rows = last - first, threads = omp_in_parallel() ? 1 : omp_get_max_threads();
  if (static_cast<int64_t>(scratch.threads.size()) < threads) scratch.threads.resize(threads);
  if (rows < threads * scratch.team_rows / 2) {
    if (rows > 0) use(first, last, scratch.threads[0]);
    return;
  }
  const int64_t most = scratch.team_rows * threads, teams = (rows + most - 1) / most * threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(threads)) if (threads > 1)
  for (int64_t team = 0; team < teams; ++team)
    use(first + rows * team / teams, first + rows * (team + 1) / teams,
        scratch.threads[threads > 1 ? omp_get_thread_num() : 0]);
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
