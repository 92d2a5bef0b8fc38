// The CPU side of attention.cpp. Arguments have been checked there.
#pragma once

#include "ops/attention.h"

namespace cohort {

void kv_write_cpu(const AttentionShape& shape, const Tensor& qkv, std::span<const KvSlot> slots,
                  KvStore store);
void attention_forward_cpu(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                           KvStore store, Tensor out, Tensor lse);
void attention_backward_cpu(const AttentionShape& shape, const TokenTree& tree, const Tensor& qkv,
                            const Tensor& out, const Tensor& lse, const Tensor& d_out, Tensor d_qkv);

inline int64_t padded_head_dim(const AttentionShape& s) { return (s.head_dim + 15) / 16 * 16; }

// Queries f = begin .. begin + rows - 1 of `spans` spans. With one span f counts (row, head of the group) and
// all its runs are read for all rows at once. With several, which have one row each, f counts (span, head),
// and only the first `shared_runs` runs, `shared` positions, are read for all rows at once.
struct AttentionTile {
  int32_t kv_head, span, spans, begin, rows, shared_runs, shared;
};

struct AttentionForward {
  AttentionShape shape;
  Tensor qkv;
  const AttentionBatch* batch;
  KvStore store;
  Tensor out, lse;
  int64_t longest;  // positions of the longest path

  int64_t group() const { return shape.heads / shape.kv_heads; }
  // A thread's workspace: packed queries, sums, one block of scores with 16 floats before and after each row,
  // all scores.
  int64_t packed_floats() const { return 16 * padded_head_dim(shape); }
  static constexpr int64_t kBlockStride = 64;
  int64_t workspace_floats() const { return 2 * packed_floats() + 16 * kBlockStride + 16 * (longest + 16); }
};

}  // namespace cohort
