// The one product behind matmul.h's functions on CPU, described by pointers and strides.
#pragma once

#include <cstdint>

namespace cohort {

inline constexpr int64_t kGemmBlock = 256;  // k of a chain from 0, at absolute boundaries
inline constexpr int64_t kGemmPanel = 32;   // output columns of a panel

// C (m, n) = A (m, k) B (k, n). Each output is the blocked chain of matmul.h (`chain` false; then bias and
// residual are added to the finished sum) or a plain chain that continues from C (`chain` true).
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // element (i, j) at a[i * a_row + j * a_k]; one of the strides is 1
  int64_t a_row = 0, a_k = 0;
  const float* b = nullptr;  // panels [p][k][32] where b_row is 0; else row j at b + j * b_row
  int64_t b_row = 0;
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

// Panels of W (n, k) as PackedWeight holds them.
void pack_weight_cpu(const float* w, int64_t n, int64_t k, float* panels);
// act = silu(gate) * up for `rows` rows of gate_up.
void swiglu_rows_cpu(const float* gate_up, int64_t rows, int64_t f, float* act);
// sums[j] += x[i * n + j] for i = 0 .. m-1 in order.
void column_sums_cpu(const float* x, int64_t m, int64_t n, float* sums);

}  // namespace cohort
