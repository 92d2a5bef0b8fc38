// Layouts in which the products of gemm.h read their operands.
#pragma once

#include "ops/gemm.h"

namespace cohort {

inline int64_t gemm_pieces(int64_t size, int64_t width) { return (size + width - 1) / width; }

// Panels of W (n, k) as PackedWeight holds them.
void pack_weight_cpu(const float* w, int64_t n, int64_t k, float* panels);
// The same of W's transpose: panel p holds W[:, 32p .. 32p+31] as [n][32].
void pack_transpose_cpu(const float* w, int64_t n, int64_t k, float* panels);
void pack_transpose_cpu(const WeightView& w, int64_t n, int64_t k, float* panels);

// The sides of a weight gradient, row i of x (rows, cols) at x + i * x_row: by chunks of 16 columns,
// [chunk][row][16], and by panels, [panel][row][32], each `stride` floats apart. The last panel is filled up
// with zeros.
void put_chunks_cpu(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride);
void put_panels_cpu(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride);
// sums[column] += its value in row i, for i = 0 .. rows-1 in order.
void chunk_sums_cpu(const float* chunks, int64_t rows, int64_t cols, int64_t stride, float* sums);

}  // namespace cohort
