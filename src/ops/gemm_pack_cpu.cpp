// The operands of products, packed ahead of them: weights by panels, the sides of a weight gradient.
#include "ops/gemm_pack_cpu.h"

#include <omp.h>

#include <algorithm>

#include "ops/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/gemm_pack_cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/gemm_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

void PackWeightPanel(const float* w, int64_t n, int64_t k, int64_t p, float* panel) {
  const int64_t rows = std::min(kGemmPanel, n - p * kGemmPanel);
  if (rows == kGemmPanel) {
    PackWholePanel(w + p * kGemmPanel * k, k, panel);
    return;
  }
  for (int64_t j = 0; j < k; ++j) {
    for (int64_t i = 0; i < kGemmPanel; ++i) {
      panel[j * kGemmPanel + i] = i < rows ? w[(p * kGemmPanel + i) * k + j] : 0.0f;
    }
  }
}

void PackTransposePanel(const float* w, int64_t n, int64_t k, int64_t p, float* panel) {
  PackPanel(w + p * kGemmPanel, k, std::min(kGemmPanel, k - p * kGemmPanel), n, panel);
}

// Panel p of W's transpose, for W (n, k) in panels.
void PackViewPanel(const WeightView& w, int64_t n, int64_t k, int64_t p, float* panel) {
  const int64_t whole = n / kGemmPanel * kGemmPanel;
  DecodeTransposed(w, k, 0, whole, p, panel);
  if (whole == n) return;
  HWY_ALIGN float last[kGemmPanel * kGemmPanel];
  DecodeTransposed(w, k, whole, n - whole, p, last);
  std::copy_n(last, (n - whole) * kGemmPanel, panel + whole * kGemmPanel);
}

void PutChunks(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride) {
  PackChunks(x, x_row, rows, cols, to, stride);
}

void PutPanels(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride) {
  for (int64_t column = 0; column < cols; column += kGemmPanel, to += stride)
    PackPanel(x + column, x_row, std::min(kGemmPanel, cols - column), rows, to);
}

// The columns of one chunk.
void ChunkSums(const float* x, int64_t rows, int64_t columns, float* sums) {
  float lanes[kGemmChunk] = {};
  std::copy_n(sums, columns, lanes);
  for (int64_t i = 0; i < rows; ++i, x += kGemmChunk)
    for (int64_t c = 0; c < kGemmChunk; ++c) lanes[c] += x[c];
  std::copy_n(lanes, columns, sums);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort {

HWY_EXPORT(PackWeightPanel);
HWY_EXPORT(PackTransposePanel);
HWY_EXPORT(PackViewPanel);
HWY_EXPORT(PutChunks);
HWY_EXPORT(PutPanels);
HWY_EXPORT(ChunkSums);

void pack_weight_cpu(const float* w, int64_t n, int64_t k, float* panels) {
  const auto pack = HWY_DYNAMIC_DISPATCH(PackWeightPanel);
#pragma omp parallel for schedule(static) if (worth_a_team(n * k))
  for (int64_t p = 0; p < gemm_pieces(n, kGemmPanel); ++p) pack(w, n, k, p, panels + p * k * kGemmPanel);
}

void pack_transpose_cpu(const float* w, int64_t n, int64_t k, float* panels) {
  const auto pack = HWY_DYNAMIC_DISPATCH(PackTransposePanel);
#pragma omp parallel for schedule(static) if (worth_a_team(n * k))
  for (int64_t p = 0; p < gemm_pieces(k, kGemmPanel); ++p) pack(w, n, k, p, panels + p * n * kGemmPanel);
}

void pack_transpose_cpu(const WeightView& w, int64_t n, int64_t k, float* panels) {
  const auto pack = HWY_DYNAMIC_DISPATCH(PackViewPanel);
#pragma omp parallel for schedule(static) if (worth_a_team(n * k))
  for (int64_t p = 0; p < gemm_pieces(k, kGemmPanel); ++p) pack(w, n, k, p, panels + p * n * kGemmPanel);
}

void put_chunks_cpu(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(PutChunks)(x, x_row, rows, cols, to, stride);
}

void put_panels_cpu(const float* x, int64_t x_row, int64_t rows, int64_t cols, float* to, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(PutPanels)(x, x_row, rows, cols, to, stride);
}

void chunk_sums_cpu(const float* chunks, int64_t rows, int64_t cols, int64_t stride, float* sums) {
  const auto sum = HWY_DYNAMIC_DISPATCH(ChunkSums);
#pragma omp parallel for schedule(static) if (worth_a_team(rows * cols))
  for (int64_t chunk = 0; chunk < gemm_pieces(cols, kGemmChunk); ++chunk)
    sum(chunks + chunk * stride, rows, std::min(kGemmChunk, cols - chunk * kGemmChunk),
        sums + chunk * kGemmChunk);
}

}  // namespace cohort
#endif
