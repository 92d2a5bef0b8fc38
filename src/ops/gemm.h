// The one product behind matmul.h's functions on CPU, described by pointers and strides.
#pragma once

#include <cstdint>

#include "ops/packed_weight.h"

namespace cohort {

inline constexpr int64_t kGemmBlock = 256;  // k of a chain from 0, at absolute boundaries
inline constexpr int64_t kGemmPanel = 32;   // output columns of a panel
inline constexpr int64_t kGemmChunk = 16;   // columns of A's rows, or of its transpose's, that lie together

// C (m, n) = A (m, k) B (k, n). Each output is the blocked chain of matmul.h (`chain` false; then bias and
// residual are added to the finished sum) or a plain chain that continues from C (`chain` true).
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  // A in rows of k, a_row apart, or in chunks of 16 k: (i, j) at a[j / 16 * a_chunk + i * 16 + j % 16]. With
  // `chain` all this is said of A's transpose, of k rows of m.
  const float* a = nullptr;
  int64_t a_row = 0, a_chunk = 0;  // one of them is 0
  const float* b = nullptr;  // panels [k][32], b_panel apart, where b_row is 0; else row j at b + j * b_row
  int64_t b_row = 0, b_panel = 0;
  // In place of b, where set: a weight W (n, k) in panels, B = W^T; `transposed`: W (k, n), B = W.
  WeightView weight;
  bool transposed = false;
  bool chain = false;
  const float* bias = nullptr;      // (n) or null
  const float* residual = nullptr;  // as C, or null; may be C itself
  float* c = nullptr;               // row i at c + i * c_row
  int64_t c_row = 0;
  // SwiGLU: where `act` is set, B has 2n columns (n a multiple of 32) and so has C: gate, then up; c may be
  // null.
  float* act = nullptr;  // row i at act + i * n
};

void gemm_cpu(const Gemm& g);

// act = silu(gate) * up for `rows` rows of gate_up.
void swiglu_rows_cpu(const float* gate_up, int64_t rows, int64_t f, float* act);

}  // namespace cohort
