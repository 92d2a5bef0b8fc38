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
#include <cstring>

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
HWY_INLINE void PackWholePanel(const float* src, int64_t k, float* HWY_RESTRICT dst) {
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

// Rows [k0, k0 + count) of panel p as floats [count][32]. k0 is a multiple of 32.
HWY_INLINE void DecodePanel(const WeightView& w, int64_t p, int64_t k0, int64_t count, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 16> d;
  constexpr int64_t kStep = hn::MaxLanes(d);
  const char* const panel = w.data_of(p);
  if (w.encoding == Encoding::f32) {
    std::memcpy(to, panel + k0 * kGemmPanel * 4, static_cast<size_t>(count * kGemmPanel) * sizeof(float));
  } else if (w.encoding == Encoding::bf16) {
    const hn::Rebind<hwy::bfloat16_t, decltype(d)> half;
    const auto* const from = reinterpret_cast<const hwy::bfloat16_t*>(panel) + k0 * kGemmPanel;
    for (int64_t i = 0; i < count * kGemmPanel; i += kStep)
      hn::StoreU(hn::PromoteTo(d, hn::LoadU(half, from + i)), d, to + i);
  } else {
    const hn::Rebind<int8_t, decltype(d)> bytes;
    const hn::RebindToSigned<decltype(d)> whole;
    for (int64_t k = 0; k < count; ++k) {
      const Q8Block& block = reinterpret_cast<const Q8Block*>(panel)[(k0 + k) / 32];
      for (int64_t i = 0; i < kGemmPanel; i += kStep) {
        const auto q = hn::ConvertTo(d, hn::PromoteTo(whole, hn::LoadU(bytes, block.values[(k0 + k) % 32] + i)));
        hn::StoreU(hn::Mul(q, hn::LoadU(d, block.scale + i)), d, to + k * kGemmPanel + i);
      }
    }
  }
}

// For W (n, k) in panels: to[o - o0][c] = W[o][32p + c], zero from column k on. o0 is a multiple of 32; whole groups of 32
// rows are written.
HWY_INLINE void DecodeTransposed(const WeightView& w, int64_t k, int64_t o0, int64_t count, int64_t p,
                                 float* HWY_RESTRICT to) {
  HWY_ALIGN float tile[kGemmPanel * kGemmPanel];
  const int64_t column = p * kGemmPanel, columns = std::min(kGemmPanel, k - column);
  std::fill(tile + columns * kGemmPanel, tile + kGemmPanel * kGemmPanel, 0.0f);
  for (int64_t o = o0; o < o0 + count; o += kGemmPanel, to += kGemmPanel * kGemmPanel) {
    DecodePanel(w, o / kGemmPanel, column, columns, tile);
    PackWholePanel(tile, kGemmPanel, to);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
