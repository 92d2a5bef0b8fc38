// Micro-kernels: a tile of ROWS x 32 outputs per panel, held in registers over at most 256 k. Vectors run
// over columns, never over k, so that each output is one chain of fused multiply-adds. Included once per
// Highway target.
#if defined(COHORT_OPS_GEMM_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_GEMM_KERNEL_INL_H_
#undef COHORT_OPS_GEMM_KERNEL_INL_H_
#else
#define COHORT_OPS_GEMM_KERNEL_INL_H_
#endif

#include <array>
#include <cstdint>
#include <utility>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "ops/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {  // short names, of this translation unit alone

namespace hn = hwy::HWY_NAMESPACE;

#if !HWY_NATIVE_FMA
#error "this target's MulAdd rounds twice; the products are exact only where it is fused"
#endif

using GemmTag = hn::CappedTag<float, 16>;
inline constexpr int kLanes = hn::MaxLanes(GemmTag());
// A unit is what a row of a tile holds in registers: kVectors vectors. A panel has kUnits of them.
inline constexpr int kVectors = kLanes >= 8 ? 2 : 4;
inline constexpr int kUnitColumns = kLanes * kVectors;
inline constexpr int kUnits = 32 / kUnitColumns;
inline constexpr int kMaxRows = kLanes == 16 ? 14 : 6;  // by 16 or 32 registers
static_assert(kUnitColumns * kUnits == 32);

// Few rows leave registers free and the latency of an FMA to hide: then several units at once.
constexpr int UnitsAtOnce(int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }

struct Tile {
  int64_t k;       // at most 256, or any number where the chain continues
  const float* a;  // chunks [k / 16][row][16]; where the chain continues [k][16], rows next to one another
  int64_t a_chunk;
  // What to ask of memory meanwhile: ahead_lines cache lines for each 16 k, from `ahead` on.
  const float* ahead = nullptr;
  int ahead_lines = 0;
  const float* b;  // row j of panel p at b + p * b_panel + j * b_row
  int64_t b_row, b_panel;
  const float* in;  // earlier blocks (or the start of the chain), or null
  int64_t in_row;
  const float* bias;      // null but after the last block
  const float* residual;  // null but after the last block
  int64_t residual_row;
  float* out;
  int64_t out_row;
};

// Units [unit, unit + UNITS) of a row of panels.
template <int ROWS, int UNITS, bool CHAIN>
HWY_INLINE void ComputeUnits(const Tile& t, int64_t unit) {
  constexpr int V = UNITS * kVectors;
  const GemmTag d;
  const auto column = [&](int v) HWY_ATTR { return unit * kUnitColumns + v * kLanes; };
  hn::Vec<GemmTag> acc[ROWS][V];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < V; ++v) {
      if constexpr (CHAIN) {
        acc[r][v] = hn::LoadU(d, t.in + r * t.in_row + column(v));
      } else {
        acc[r][v] = hn::Zero(d);
      }
    }
  }
  const float* HWY_RESTRICT a = t.a;
  const float* HWY_RESTRICT b[UNITS];
  for (int u = 0; u < UNITS; ++u)
    b[u] = t.b + (unit + u) / kUnits * t.b_panel + (unit + u) % kUnits * kUnitColumns;
  const auto step = [&](const float* HWY_RESTRICT from) HWY_ATTR {  // one k
    constexpr int64_t kRow = CHAIN ? 1 : kGemmChunk;
    hn::Vec<GemmTag> bv[V];
    for (int v = 0; v < V; ++v) bv[v] = hn::LoadU(d, b[v / kVectors] + v % kVectors * kLanes);
    for (int r = 0; r < ROWS; ++r) {
      const auto av = hn::Set(d, from[r * kRow]);
      for (int v = 0; v < V; ++v) acc[r][v] = hn::MulAdd(av, bv[v], acc[r][v]);
    }
    for (int u = 0; u < UNITS; ++u) b[u] += t.b_row;
  };
  constexpr int64_t kStep = CHAIN ? kGemmChunk : 1;
  const int64_t chunk = CHAIN ? kGemmChunk * kGemmChunk : t.a_chunk;
  const float* ahead = t.ahead;
  int64_t j = 0;
  for (; j + kGemmChunk <= t.k; j += kGemmChunk, a += chunk) {
    for (int i = 0; i < t.ahead_lines; ++i, ahead += kGemmChunk) hwy::Prefetch(ahead);
    for (int64_t i = 0; i < kGemmChunk; ++i) step(a + i * kStep);
  }
  for (int64_t i = 0; j + i < t.k; ++i) step(a + i * kStep);
  if (!CHAIN && t.in) {
    for (int r = 0; r < ROWS; ++r) {
      for (int v = 0; v < V; ++v)
        acc[r][v] = hn::Add(hn::LoadU(d, t.in + r * t.in_row + column(v)), acc[r][v]);
    }
  }
  if (!CHAIN && t.bias) {
    for (int v = 0; v < V; ++v) {
      const auto bias = hn::LoadU(d, t.bias + column(v));
      for (int r = 0; r < ROWS; ++r) acc[r][v] = hn::Add(acc[r][v], bias);
    }
  }
  if (!CHAIN && t.residual) {
    for (int r = 0; r < ROWS; ++r) {
      for (int v = 0; v < V; ++v) {
        acc[r][v] = hn::Add(acc[r][v], hn::LoadU(d, t.residual + r * t.residual_row + column(v)));
      }
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < V; ++v) hn::StoreU(acc[r][v], d, t.out + r * t.out_row + column(v));
  }
}

template <int ROWS, bool CHAIN>
HWY_NOINLINE void ComputeTile(const Tile& t, int64_t panels) {
  constexpr int64_t at_once = UnitsAtOnce(ROWS);
  int64_t unit = 0;
  const int64_t units = panels * kUnits;
  for (; unit + at_once <= units; unit += at_once) ComputeUnits<ROWS, at_once, CHAIN>(t, unit);
  if constexpr (at_once > 1) {
    for (; unit < units; ++unit) ComputeUnits<ROWS, 1, CHAIN>(t, unit);
  }
}

// The tile of `rows` (1 .. kMaxRows) over `panels` neighbouring panels.
using TileKernel = void (*)(const Tile&, int64_t panels);
template <bool CHAIN>
HWY_INLINE TileKernel KernelOf(int64_t rows) {
  static constexpr auto table = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<TileKernel, kMaxRows>{&ComputeTile<I + 1, CHAIN>...};
  }
  (std::make_integer_sequence<int, kMaxRows>());
  return table[rows - 1];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
