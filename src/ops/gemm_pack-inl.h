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

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "ops/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {  // short names, of this translation unit alone

namespace hn = hwy::HWY_NAMESPACE;

// Rows that are asked for before they are needed: where each lies in a page of its own the hardware does not
// look ahead.
inline constexpr int64_t kPackAhead = 12;

template <int kFloats>
HWY_INLINE void CopyFloats(const float* from, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 16> d;
  for (int i = 0; i < kFloats; i += static_cast<int>(hn::MaxLanes(d)))
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
}

// Columns [0, cols) of src (rows, cols) in chunks of 16, `chunk` floats apart: column c of row r goes to
// dst[c / 16 * chunk + r * 16 + c % 16].
HWY_INLINE void PackChunks(const float* src, int64_t src_row, int64_t rows, int64_t cols,
                           float* HWY_RESTRICT dst, int64_t chunk) {
  for (int64_t r = 0; r < rows; ++r, src += src_row, dst += kGemmChunk) {
    float* to = dst;
    int64_t c = 0;
    for (; c + kGemmChunk <= cols; c += kGemmChunk, to += chunk) {
      hwy::Prefetch(src + kPackAhead * src_row + c);
      CopyFloats<kGemmChunk>(src + c, to);
    }
    std::copy(src + c, src + cols, to);
  }
}

// A panel of 32 columns, of which `cols` exist: [k][32], zero beyond.
HWY_INLINE void PackPanel(const float* src, int64_t src_row, int64_t cols, int64_t k,
                          float* HWY_RESTRICT dst) {
  if (cols < kGemmPanel) {
    for (int64_t j = 0; j < k; ++j, src += src_row, dst += kGemmPanel) {
      for (int64_t i = 0; i < kGemmPanel; ++i) dst[i] = i < cols ? src[i] : 0.0f;
    }
    return;
  }
  for (int64_t j = 0; j < k; ++j, src += src_row, dst += kGemmPanel) {
    hwy::Prefetch(src + kPackAhead * src_row);
    hwy::Prefetch(src + kPackAhead * src_row + 16);
    CopyFloats<kGemmPanel>(src, dst);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
