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
  const char* held = nullptr;  // in place of b: where this k begins in the first panel of a weight that is held smaller
  int64_t held_panel = 0;      // bytes from there to the next panel
  const float* in;  // earlier blocks (or the start of the chain), or null
  int64_t in_row;
  const float* bias;      // null but after the last block
  const float* residual;  // null but after the last block
  int64_t residual_row;
  float* out;
  int64_t out_row;
};

// Where units [unit, unit + UNITS) of a row of panels come from. Chunk() is called before every 16 k, Next()
// behind each k.
template <int UNITS>
class FloatColumns {
 public:
  FloatColumns(const Tile& t, int64_t unit) : row_(t.b_row) {
    for (int u = 0; u < UNITS; ++u)
      b_[u] = t.b + (unit + u) / kUnits * t.b_panel + (unit + u) % kUnits * kUnitColumns;
  }
  HWY_INLINE void Chunk() {}
  HWY_INLINE hn::Vec<GemmTag> Load(int v) const {
    return hn::LoadU(GemmTag(), b_[v / kVectors] + v % kVectors * kLanes);
  }
  HWY_INLINE void Next() {
    for (int u = 0; u < UNITS; ++u) b_[u] += row_;
  }

 private:
  const float* b_[UNITS];
  int64_t row_;
};

template <int UNITS>
class Bf16Columns {
 public:
  Bf16Columns(const Tile& t, int64_t unit) {
    for (int u = 0; u < UNITS; ++u)
      b_[u] = reinterpret_cast<const hwy::bfloat16_t*>(t.held + (unit + u) / kUnits * t.held_panel) +
              (unit + u) % kUnits * kUnitColumns;
  }
  HWY_INLINE void Chunk() {}
  HWY_INLINE hn::Vec<GemmTag> Load(int v) const {
    const hn::Rebind<hwy::bfloat16_t, GemmTag> half;
    return hn::PromoteTo(GemmTag(), hn::LoadU(half, b_[v / kVectors] + v % kVectors * kLanes));
  }
  HWY_INLINE void Next() {
    for (int u = 0; u < UNITS; ++u) b_[u] += kGemmPanel;
  }

 private:
  const hwy::bfloat16_t* b_[UNITS];
};

template <int UNITS>
class Q8Columns {
 public:
  Q8Columns(const Tile& t, int64_t unit) {
    for (int u = 0; u < UNITS; ++u) {
      block_[u] = reinterpret_cast<const Q8Block*>(t.held + (unit + u) / kUnits * t.held_panel);
      column_[u] = (unit + u) % kUnits * kUnitColumns;
    }
  }
  HWY_INLINE void Chunk() {
    for (int v = 0; v < UNITS * kVectors; ++v)
      scale_[v] = hn::LoadU(GemmTag(), block_[v / kVectors]->scale + Column(v));
  }
  HWY_INLINE hn::Vec<GemmTag> Load(int v) const {
    const hn::Rebind<int8_t, GemmTag> bytes;
    const hn::RebindToSigned<GemmTag> whole;
    const auto q = hn::LoadU(bytes, block_[v / kVectors]->values[k_] + Column(v));
    return hn::Mul(hn::ConvertTo(GemmTag(), hn::PromoteTo(whole, q)), scale_[v]);
  }
  HWY_INLINE void Next() {
    if (++k_ < 32) return;
    k_ = 0;
    for (int u = 0; u < UNITS; ++u) ++block_[u];
  }

 private:
  HWY_INLINE int64_t Column(int v) const { return column_[v / kVectors] + v % kVectors * kLanes; }
  const Q8Block* block_[UNITS];
  int64_t column_[UNITS], k_ = 0;
  hn::Vec<GemmTag> scale_[UNITS * kVectors];
};

template <int ROWS, int UNITS, bool CHAIN, class Columns = FloatColumns<UNITS>>
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
  Columns columns(t, unit);
  const auto step = [&](const float* HWY_RESTRICT from) HWY_ATTR {  // one k
    constexpr int64_t kRow = CHAIN ? 1 : kGemmChunk;
    hn::Vec<GemmTag> bv[V];
    for (int v = 0; v < V; ++v) bv[v] = columns.Load(v);
    for (int r = 0; r < ROWS; ++r) {
      const auto av = hn::Set(d, from[r * kRow]);
      for (int v = 0; v < V; ++v) acc[r][v] = hn::MulAdd(av, bv[v], acc[r][v]);
    }
    columns.Next();
  };
  constexpr int64_t kStep = CHAIN ? kGemmChunk : 1;
  const int64_t chunk = CHAIN ? kGemmChunk * kGemmChunk : t.a_chunk;
  const float* ahead = t.ahead;
  int64_t j = 0;
  for (; j + kGemmChunk <= t.k; j += kGemmChunk, a += chunk) {
    for (int i = 0; i < t.ahead_lines; ++i, ahead += kGemmChunk) hwy::Prefetch(ahead);
    columns.Chunk();
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

// The same for few rows from a weight that is held smaller: more than kHeldRows read decoded blocks.
inline constexpr int kHeldRows = 6;
template <int ROWS, template <int> class Columns>
HWY_NOINLINE void ComputeHeld(const Tile& t, int64_t panels) {
  constexpr int64_t at_once = UnitsAtOnce(ROWS);
  int64_t unit = 0;
  const int64_t units = panels * kUnits;
  for (; unit + at_once <= units; unit += at_once)
    ComputeUnits<ROWS, at_once, false, Columns<at_once>>(t, unit);
  if constexpr (at_once > 1) {
    for (; unit < units; ++unit) ComputeUnits<ROWS, 1, false, Columns<1>>(t, unit);
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
template <template <int> class Columns>
HWY_INLINE TileKernel HeldKernelOf(int64_t rows) {
  static constexpr auto table = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<TileKernel, kHeldRows>{&ComputeHeld<I + 1, Columns>...};
  }
  (std::make_integer_sequence<int, kHeldRows>());
  return table[rows - 1];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
