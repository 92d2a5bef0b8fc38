// Token embedding: a row lookup, and its gradient.
#pragma once

#include <span>

#include "ops/packed_weight.h"
#include "tensor/tensor.h"

namespace cohort {

// x (N, C) = table (V, C)[token].
void embedding_forward(const Tensor& table, std::span<const int32_t> tokens, Tensor x);
void embedding_forward(const PackedWeight& table, std::span<const int32_t> tokens, Tensor x);

// d_table[token_i] += dx_i for i = 0 .. N-1, in this order.
void embedding_backward(const Tensor& dx, std::span<const int32_t> tokens, Tensor d_table);

}  // namespace cohort
