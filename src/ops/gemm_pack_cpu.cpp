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

using PackTag = hn::CappedTag<float, 8>;
// Rows that one vector interleaves: 8, or 4 on NEON.
inline constexpr int64_t kPackRows = hn::MaxLanes(PackTag());

// Four floats of row `r`; with 8 lanes, four of row r + 4 above them.
HWY_INLINE hn::Vec<PackTag> LoadRows(const float* const* rows, int r, int64_t j) {
  const hn::FixedTag<float, 4> d4;
#if HWY_MAX_BYTES >= 32
  return hn::Combine(PackTag(), hn::LoadU(d4, rows[r + 4] + j), hn::LoadU(d4, rows[r] + j));
#else
  return hn::LoadU(d4, rows[r] + j);
#endif
}

// dst[j * 32 + i] = src[i * k + j] for 32 rows i, j < k.
void PackWholePanel(const float* src, int64_t k, float* HWY_RESTRICT dst) {
  const PackTag d;
  for (int64_t first = 0; first < kGemmPanel; first += kPackRows) {
    const float* row[8];
    for (int64_t i = 0; i < kPackRows; ++i) row[i] = src + (first + i) * k;
    float* out = dst + first;
    int64_t j = 0;
    for (; j + 4 <= k; j += 4, out += 4 * kGemmPanel) {
      const auto v0 = LoadRows(row, 0, j), v1 = LoadRows(row, 1, j);
      const auto v2 = LoadRows(row, 2, j), v3 = LoadRows(row, 3, j);
      const auto a0 = hn::InterleaveLower(d, v0, v2), a1 = hn::InterleaveLower(d, v1, v3);
      const auto a2 = hn::InterleaveUpper(d, v0, v2), a3 = hn::InterleaveUpper(d, v1, v3);
      hn::StoreU(hn::InterleaveLower(d, a0, a1), d, out);
      hn::StoreU(hn::InterleaveUpper(d, a0, a1), d, out + kGemmPanel);
      hn::StoreU(hn::InterleaveLower(d, a2, a3), d, out + 2 * kGemmPanel);
      hn::StoreU(hn::InterleaveUpper(d, a2, a3), d, out + 3 * kGemmPanel);
    }
    for (; j < k; ++j, out += kGemmPanel) {
      for (int64_t i = 0; i < kPackRows; ++i) out[i] = row[i][j];
    }
  }
}

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
