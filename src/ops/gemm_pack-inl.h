// Copies that bring operands into the order in which the micro-kernels read them. Included once per Highway
// target.
#if defined(COHORT_OPS_GEMM_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_GEMM_PACK_INL_H_
#undef COHORT_OPS_GEMM_PACK_INL_H_
#else
#define COHORT_OPS_GEMM_PACK_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {  // short names, of this translation unit alone

namespace hn = hwy::HWY_NAMESPACE;

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

// dst[j * dst_row + i] = src[i * src_row + j] for i < rows, j < k. Writes whole vectors: up to kPackRows - 1
// floats after each row of dst, in such an order that a later row repairs what an earlier one overran; dst
// needs that room at its end.
HWY_INLINE void PackTransposed(const float* src, int64_t src_row, int64_t rows, int64_t k,
                               float* HWY_RESTRICT dst, int64_t dst_row) {
  const PackTag d;
  for (int64_t group = (rows - 1) / kPackRows; group >= 0; --group) {
    const int64_t first = group * kPackRows;
    const float* row[8];
    for (int64_t i = 0; i < kPackRows; ++i) row[i] = src + std::min(first + i, rows - 1) * src_row;
    float* out = dst + first;
    int64_t j = 0;
    for (; j + 4 <= k; j += 4, out += 4 * dst_row) {
      const auto v0 = LoadRows(row, 0, j), v1 = LoadRows(row, 1, j);
      const auto v2 = LoadRows(row, 2, j), v3 = LoadRows(row, 3, j);
      const auto a0 = hn::InterleaveLower(d, v0, v2), a1 = hn::InterleaveLower(d, v1, v3);
      const auto a2 = hn::InterleaveUpper(d, v0, v2), a3 = hn::InterleaveUpper(d, v1, v3);
      hn::StoreU(hn::InterleaveLower(d, a0, a1), d, out);
      hn::StoreU(hn::InterleaveUpper(d, a0, a1), d, out + dst_row);
      hn::StoreU(hn::InterleaveLower(d, a2, a3), d, out + 2 * dst_row);
      hn::StoreU(hn::InterleaveUpper(d, a2, a3), d, out + 3 * dst_row);
    }
    for (; j < k; ++j, out += dst_row) {
      for (int64_t i = 0; i < std::min(kPackRows, rows - first); ++i) out[i] = row[i][j];
    }
  }
}

// dst[j * dst_row + i] = src[j * src_row + i] for i < cols, j < k; exact stores.
HWY_INLINE void PackCopy(const float* src, int64_t src_row, int64_t cols, int64_t k, float* HWY_RESTRICT dst,
                         int64_t dst_row) {
  const PackTag d;
  const int64_t whole = cols / kPackRows * kPackRows,
                end = cols - kPackRows;  // the last vector overlaps another
  for (int64_t j = 0; j < k; ++j, src += src_row, dst += dst_row) {
    if (whole == 0) {
      for (int64_t i = 0; i < cols; ++i) dst[i] = src[i];
      continue;
    }
    for (int64_t i = 0; i < whole; i += kPackRows) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
    if (whole != cols) hn::StoreU(hn::LoadU(d, src + end), d, dst + end);
  }
}

// A panel of 32 columns, of which `cols` exist: [k][32], zero beyond.
HWY_INLINE void PackPanel(const float* src, int64_t src_row, int64_t cols, int64_t k,
                          float* HWY_RESTRICT dst) {
  const hn::CappedTag<float, 16> d;
  if (cols < 32) {
    for (int64_t j = 0; j < k; ++j, src += src_row, dst += 32) {
      for (int64_t i = 0; i < 32; ++i) dst[i] = i < cols ? src[i] : 0.0f;
    }
    return;
  }
  for (int64_t j = 0; j < k; ++j, src += src_row, dst += 32) {
    for (size_t i = 0; i < 32; i += hn::MaxLanes(d)) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
