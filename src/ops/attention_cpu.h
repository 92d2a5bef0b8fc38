// The CPU side of attention.cpp. Arguments have been checked there.
#pragma once

#include "ops/attention.h"

namespace cohort {

void kv_write_cpu(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch, KvStore store);
void attention_forward_cpu(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                           KvStore store, Tensor out, Tensor lse);
void attention_backward_cpu(const AttentionShape& shape, const TokenTree& tree, const Tensor& qkv,
                            const Tensor& out, const Tensor& lse, const Tensor& d_out, Tensor d_qkv);

inline int64_t padded_head_dim(const AttentionShape& s) { return (s.head_dim + 15) / 16 * 16; }

}  // namespace cohort
