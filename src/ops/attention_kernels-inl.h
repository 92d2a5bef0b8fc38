// Register-tiled pieces of attention, compiled once per instruction set.
//
// Layouts. A "chunked" matrix of R rows keeps 16 columns of every row together: element (r, k) lies at
// (k / 16) * 16 * R + r * 16 + k % 16. Scores are chunked with k the absolute position on the path, so the
// lane of a position is the same wherever its block begins, and a row's next value is a constant distance
// away. Every output of a kernel is one chain of FMAs over increasing k, whatever the tile's height and
// width.
#if defined(COHORT_OPS_ATTENTION_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_ATTENTION_KERNELS_INL_H_
#undef COHORT_OPS_ATTENTION_KERNELS_INL_H_
#else
#define COHORT_OPS_ATTENTION_KERNELS_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <utility>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "ops/attention.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

#if !HWY_NATIVE_FMA
#error "attention needs a target with fused multiply-add"
#endif

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));
constexpr int kChunk = 16;                         // columns of a chunk
constexpr int kVectors = kChunk / kLanes;          // vectors of a chunk
constexpr int kRegisters = kLanes == 8 ? 12 : 28;  // accumulators of a tile
constexpr int kTileRows = kRegisters / 2;          // most rows of a tile

// The widest power of two of vectors (1, 2, 4 or 8) whose tile of `rows` rows fits the registers.
constexpr int tile_vectors(int rows) {
  return rows * 8 <= kRegisters ? 8 : rows * 4 <= kRegisters ? 4 : rows * 2 <= kRegisters ? 2 : 1;
}

template <int kRows, int kWide>
struct Accumulators {
  Vector v[kRows][kWide];

  // Written out: an implicit one would be compiled without this target's attributes.
  HWY_INLINE Accumulators() {}

  HWY_INLINE void zero() {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (int j = 0; j < kWide; ++j) v[r][j] = hn::Zero(Floats());
  }
  HWY_INLINE void load(const float* c, size_t stride) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (int j = 0; j < kWide; ++j) v[r][j] = hn::LoadU(Floats(), c + r * stride + j * kLanes);
  }
  HWY_INLINE void store(float* c, size_t stride) const {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (int j = 0; j < kWide; ++j) hn::StoreU(v[r][j], Floats(), c + r * stride + j * kLanes);
  }
  // v[r] += a[r * kRowStride] * b
  template <int kRowStride>
  HWY_INLINE void add(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b) {
    Vector row[kWide];
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) row[j] = hn::LoadU(Floats(), b + j * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vector factor = hn::Set(Floats(), a[r * kRowStride]);
#pragma GCC unroll 8
      for (int j = 0; j < kWide; ++j) v[r][j] = hn::MulAdd(factor, row[j], v[r][j]);
    }
  }
  // The same for rows first .. kRows - 1 only.
  HWY_INLINE void add_from(int first, const float* HWY_RESTRICT a, const float* HWY_RESTRICT b) {
    Vector row[kWide];
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) row[j] = hn::LoadU(Floats(), b + j * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      if (r < first) continue;
      const Vector factor = hn::Set(Floats(), a[r * kChunk]);
#pragma GCC unroll 8
      for (int j = 0; j < kWide; ++j) v[r][j] = hn::MulAdd(factor, row[j], v[r][j]);
    }
  }
};

// ---- C = A B, or C += A B, for up to kTileRows rows of A
// ----------------------------------------------------------

struct Product {
  int64_t depth;  // k
  const float*
      a;  // chunked (then a_stride is from one chunk to the next), or transposed (from one k to the next)
  size_t a_stride;
  const float* b;  // (depth, columns)
  size_t b_stride;
  float* c;
  size_t c_stride;
  int vectors;  // columns / kLanes
  bool accumulate;
};

template <bool kTransposed, int kRows, int kWide>
HWY_INLINE void multiply_columns(const Product& p, int column) {
  Accumulators<kRows, kWide> sum;
  float* c = p.c + column;
  if (p.accumulate) {
    sum.load(c, p.c_stride);
  } else {
    sum.zero();
  }
  const float* b = p.b + column;
  const float* a = p.a;
  if constexpr (kTransposed) {
    for (int64_t k = 0; k < p.depth; ++k, a += p.a_stride, b += p.b_stride) sum.template add<1>(a, b);
  } else {
    int64_t k = 0;
    for (; k + kChunk <= p.depth; k += kChunk, a += p.a_stride)
      for (int i = 0; i < kChunk; ++i, b += p.b_stride) sum.template add<kChunk>(a + i, b);
    for (int i = 0; k + i < p.depth; ++i, b += p.b_stride) sum.template add<kChunk>(a + i, b);
  }
  sum.store(c, p.c_stride);
}

template <bool kTransposed, int kRows>
void multiply_rows(const Product& p) {
  constexpr int kWide = tile_vectors(kRows);
  int j = 0;
  for (; j + kWide <= p.vectors; j += kWide) multiply_columns<kTransposed, kRows, kWide>(p, j * kLanes);
  if constexpr (kWide > 4) {
    if (j + 4 <= p.vectors) multiply_columns<kTransposed, kRows, 4>(p, j * kLanes), j += 4;
  }
  if constexpr (kWide > 2) {
    if (j + 2 <= p.vectors) multiply_columns<kTransposed, kRows, 2>(p, j * kLanes), j += 2;
  }
  if constexpr (kWide > 1) {
    if (j < p.vectors) multiply_columns<kTransposed, kRows, 1>(p, j * kLanes);
  }
}

using MultiplyFunction = void (*)(const Product&);

template <bool kTransposed, int... kRow>
constexpr MultiplyFunction multiply_function(int rows, std::integer_sequence<int, kRow...>) {
  constexpr MultiplyFunction table[] = {multiply_rows<kTransposed, kRow + 1>...};
  return table[rows - 1];
}

// 1 <= rows <= kTileRows
template <bool kTransposed>
HWY_INLINE void multiply(int rows, const Product& p) {
  multiply_function<kTransposed>(rows, std::make_integer_sequence<int, kTileRows>())(p);
}

// The same for any number of rows.
template <bool kTransposed>
HWY_INLINE void multiply_tall(int rows, const Product& p) {
  const int tiles = (rows + kTileRows - 1) / kTileRows;
  for (int t = 0; t < tiles; ++t) {
    const int begin = rows * t / tiles, end = rows * (t + 1) / tiles;
    Product part = p;
    part.a += kTransposed ? begin : begin * kChunk;
    part.c += begin * part.c_stride;
    multiply<kTransposed>(end - begin, part);
  }
}

// ---- Fixed-lane reductions
// ---------------------------------------------------------------------------------------

// The sum of 16 lanes in one fixed tree: i + (i + 8), then i + (i + 4), i + (i + 2), i + (i + 1).
template <class V, int kCount>
HWY_INLINE float sum_lanes(const V (&lanes)[kCount]) {
  const hn::Half<hn::DFromV<V>> half;
  hn::Vec<hn::FixedTag<float, 4>> sum;
  if constexpr (kCount == 4) {
    sum = hn::Add(hn::Add(lanes[0], lanes[2]), hn::Add(lanes[1], lanes[3]));
  } else if constexpr (kCount == 2) {
    const V eight = hn::Add(lanes[0], lanes[1]);
    sum = hn::Add(hn::LowerHalf(half, eight), hn::UpperHalf(half, eight));
  } else {
    const hn::Half<decltype(half)> quarter;
    const auto eight = hn::Add(hn::LowerHalf(half, lanes[0]), hn::UpperHalf(half, lanes[0]));
    sum = hn::Add(hn::LowerHalf(quarter, eight), hn::UpperHalf(quarter, eight));
  }
  sum = hn::Add(sum, hn::Shuffle1032(sum));
  return hn::GetLane(hn::Add(sum, hn::Shuffle2301(sum)));
}

// sum of a[i] * b[i], lane i % 16 by FMAs over increasing i, then the tree.
HWY_INLINE float dot_lanes(const float* a, const float* b, int64_t size) {
  const Floats d;
  Vector sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
  int64_t i = 0;
  for (; i + kChunk <= size; i += kChunk)
    for (int v = 0; v < kVectors; ++v)
      sum[v] = hn::MulAdd(hn::LoadU(d, a + i + v * kLanes), hn::LoadU(d, b + i + v * kLanes), sum[v]);
  if (i < size) {
    HWY_ALIGN float x[kChunk] = {}, y[kChunk] = {};
    for (int lane = 0; i + lane < size; ++lane) x[lane] = a[i + lane], y[lane] = b[i + lane];
    for (int v = 0; v < kVectors; ++v)
      sum[v] = hn::MulAdd(hn::Load(d, x + v * kLanes), hn::Load(d, y + v * kLanes), sum[v]);
  }
  return sum_lanes(sum);
}

// ---- Packing
// ------------------------------------------------------------------------------------------------------

HWY_INLINE void copy_row(const float* HWY_RESTRICT from, int64_t width, float* HWY_RESTRICT to) {
  const Floats d;
  int64_t k = 0;
  for (; k + kLanes <= width; k += kLanes) hn::StoreU(hn::LoadU(d, from + k), d, to + k);
  for (; k < width; ++k) to[k] = from[k];
}

// A row of `width` floats and zeros up to the next multiple of 16.
HWY_INLINE void copy_padded(const float* HWY_RESTRICT from, int64_t width, float* HWY_RESTRICT to) {
  copy_row(from, width, to);
  for (; width % kChunk != 0; ++width) to[width] = 0.0f;
}

// Copies `rows` rows of `width` floats (row r at from[r]) into a chunked matrix of `rows` rows.
HWY_INLINE void pack_chunked(const float* const* from, int rows, int64_t width, float* to) {
  for (int64_t k = 0; k < width; k += kChunk)
    for (int r = 0; r < rows; ++r)
      copy_row(from[r] + k, std::min<int64_t>(kChunk, width - k), to + k * rows + r * kChunk);
}

// to[j * kKvBlock + i] = from[i * stride + j] for i < rows, j < width.
inline void transpose_rows(const float* from, int64_t stride, int rows, int64_t width, float* to) {
  const hn::FixedTag<float, 4> d;
  const int whole_rows = rows / 4 * 4;
  const int64_t whole = width / 4 * 4;
  for (int64_t j = 0; j < whole; j += 4)
    for (int i = 0; i < whole_rows; i += 4) {
      const float* a = from + i * stride + j;
      const auto r0 = hn::LoadU(d, a), r1 = hn::LoadU(d, a + stride);
      const auto r2 = hn::LoadU(d, a + 2 * stride), r3 = hn::LoadU(d, a + 3 * stride);
      const auto low01 = hn::InterleaveLower(d, r0, r1), low23 = hn::InterleaveLower(d, r2, r3);
      const auto high01 = hn::InterleaveUpper(d, r0, r1), high23 = hn::InterleaveUpper(d, r2, r3);
      float* b = to + j * kKvBlock + i;
      hn::StoreU(hn::ConcatLowerLower(d, low23, low01), d, b);
      hn::StoreU(hn::ConcatUpperUpper(d, low23, low01), d, b + kKvBlock);
      hn::StoreU(hn::ConcatLowerLower(d, high23, high01), d, b + 2 * kKvBlock);
      hn::StoreU(hn::ConcatUpperUpper(d, high23, high01), d, b + 3 * kKvBlock);
    }
  for (int64_t j = 0; j < width; ++j)
    for (int i = j < whole ? whole_rows : 0; i < rows; ++i) to[j * kKvBlock + i] = from[i * stride + j];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
