// Causal attention over paths of a token tree, for training, prefill and decode alike (one kernel, one order
// of additions). For a query at path position t and keys 0 .. t of its path:
//   s_p = scale * (chain of FMAs over d), m = max s, e_p = exp(s_p - m), l = sum of e_p in 16 fixed lanes by
//   p mod 16, out[d] = (chain of FMAs over p = 0 .. t of e_p * v_p[d]) / l,  lse = m + log(l).
// Positions before a query's window have e_p = 0. So the bits depend only on the path's contents: not on how it is cut into blocks, segments or batches, nor
// on threads.
// Shapes: N rows, H heads, K key/value heads (H a multiple of K), D head width. Head h reads key/value head h
// / (H / K).
#pragma once

#include <span>
#include <vector>

#include "tensor/tensor.h"
#include "tree/token_tree.h"

namespace cohort {

struct AttentionShape {
  int64_t heads, kv_heads, head_dim;
  float scale;         // 1 / sqrt(D)
  int64_t window = 0;  // a query sees itself and the window - 1 positions before it; 0: all
  int64_t qkv_width() const { return (heads + 2 * kv_heads) * head_dim; }
};

// Keys and values live in blocks of 32 positions. A block holds, for each key/value head, K transposed
// [D][32] and then V [32][D rounded up to 16]. What lies beyond the valid positions of a block is never used
// (it may be NaN).
inline constexpr int64_t kKvBlock = 32;

inline int64_t kv_block_floats(const AttentionShape& s) {
  return s.kv_heads * kKvBlock * (s.head_dim + (s.head_dim + 15) / 16 * 16);
}

struct KvStore {
  float* data = nullptr;
  int64_t block_stride = 0;  // floats from block b to block b + 1 (a store of L layers interleaves them)
  float* block(int32_t b) const { return data + b * block_stride; }
};

struct KvSlot {  // where one row's key and value go
  int32_t block, offset;
};

struct KvRun {  // `count` positions of a path, the first ones of `block`
  int32_t block, count;
};

// Consecutive rows that are consecutive positions of one path: row + i sits at `position + i` and sees the
// first position + i + 1 positions of runs [run_begin, run_end), which hold at least position + rows
// positions.
struct QuerySpan {
  int32_t row, rows, position, run_begin, run_end;
};

// Neighbouring spans of one row each that begin with the same runs (a group in decode) are computed together
// over the shared runs: a prefix is read once per group.
struct AttentionBatch {
  std::vector<QuerySpan> spans;
  std::vector<KvRun> runs;
  std::vector<KvSlot> slots;  // (N) destination of every row's key and value
};

// The batch of a token tree whose segments start fresh blocks, numbered from 0; `blocks` receives how many
// are used.
AttentionBatch attention_batch(const TokenTree& tree, int64_t* blocks);

// qkv (N, (H + 2K) * D): queries, then keys, then values of each row (after rope). Writes keys and values to
// their slots (N).
void kv_write(const AttentionShape& shape, const Tensor& qkv, std::span<const KvSlot> slots, KvStore store);

// out (N, H * D); lse (N, H), or empty where it is not wanted.
void attention_forward(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                       KvStore store, Tensor out, Tensor lse);

// d_qkv (N, (H + 2K) * D) is written, not added to. A tree's gradients do not depend on what else is in the
// batch.
//   out, lse: as forward gave them; d_out (N, H * D).
void attention_backward(const AttentionShape& shape, const TokenTree& tree, const Tensor& qkv,
                        const Tensor& out, const Tensor& lse, const Tensor& d_out, Tensor d_qkv);

}  // namespace cohort
