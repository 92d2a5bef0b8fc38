// The driver of the micro-kernels: cuts a product into tasks (row block x column group), brings operands into
// order, and hands tiles to kernels. How it cuts cannot change a bit; it only decides speed.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ops/gemm.h"
#include "tensor/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matmul_cpu.cpp"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/gemm_kernel-inl.h"
#include "ops/gemm_pack-inl.h"
#include "ops/silu-inl.h"

#ifndef COHORT_OPS_MATMUL_CPU_ONCE
#define COHORT_OPS_MATMUL_CPU_ONCE
namespace cohort {

inline constexpr int64_t kRowBlock = 168;            // rows of a task
inline constexpr int64_t kRowBlockUnpacked = 336;    // where each task copies or decodes its panels of B
inline constexpr int64_t kPackedFloats = 128 << 10;  // of A at a time: half of a common L2
inline constexpr int64_t kGroupPanels = 16;          // panels of a task
inline constexpr int64_t kPanelsAtOnce = 4;          // that a tile alone passes over in one call
inline constexpr int64_t kTailFloats = 4 * 16 * kGemmPanel;

// How a product is cut. Derived from the shape, the threads and the kernels' tile height alone. A tile is
// what the kernels take of A's rows at a time; where the chain continues it is a chunk of A's transpose,
// which they may take in parts.
struct GemmPlan {
  int64_t tiles, row_blocks, groups, panels;
  int64_t k_span;  // k of A packed at a time, a multiple of the block (or all of k)
  bool pack_b;     // copy panels of B just before use
  bool scratch;    // unfinished sums stay in the workspace instead of C
  int64_t a_floats, b_floats, scratch_floats;  // workspace of one thread
  int64_t workspace() const { return (a_floats + b_floats + scratch_floats + kTailFloats + 63) / 64 * 64; }
};

}  // namespace cohort
#endif

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

int64_t MaxRows() { return kMaxRows; }

void SwigluRow(const float* gate, const float* up, int64_t n, float* act) {
  const GemmTag d;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(hn::Mul(Silu(d, hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, act + i);
  }
  const hn::CappedTag<float, 1> d1;
  for (; i < n; ++i) {
    hn::StoreU(hn::Mul(Silu(d1, hn::LoadU(d1, gate + i)), hn::LoadU(d1, up + i)), d1, act + i);
  }
}

// One thread's work on one product.
class Worker {
 public:
  Worker(const Gemm& g, const GemmPlan& plan, float* workspace)
      : g_(g),
        plan_(plan),
        a_(workspace),
        b_(a_ + plan.a_floats),
        scratch_(b_ + plan.b_floats),
        tail_(scratch_ + plan.scratch_floats) {}

  void Run(int64_t task) {
    // Neighbouring tasks share columns: what one thread reads of B, the other finds in the shared cache.
    const int64_t block = task % plan_.row_blocks, group = task / plan_.row_blocks;
    if (block != block_) a_ready_ = false;
    block_ = block;
    tile_begin_ = plan_.tiles * block / plan_.row_blocks;
    tile_end_ = plan_.tiles * (block + 1) / plan_.row_blocks;
    row_begin_ = TileRow(tile_begin_);
    rows_ = TileRow(tile_end_) - row_begin_;
    panel_begin_ = plan_.panels * group / plan_.groups;
    panel_end_ = plan_.panels * (group + 1) / plan_.groups;
    for (int64_t k = 0; k == 0 || k < g_.k; k += plan_.k_span) Span(k, std::min(plan_.k_span, g_.k - k));
  }

 private:
  int64_t TileRow(int64_t tile) const {
    return g_.chain ? std::min(g_.m, tile * kGemmChunk) : g_.m * tile / plan_.tiles;
  }

  // k [k0, k0 + count) of the task.
  void Span(int64_t k0, int64_t count) {
    PackA(k0, count);
    const int64_t parts = g_.act ? 2 : 1;
    // A tile that is alone passes over several panels at once; else a panel is better used by all tiles in
    // turn.
    held_ = g_.weight && !g_.transposed && g_.weight.encoding != Encoding::f32 && rows_ <= kHeldRows;
    const bool several = tile_end_ - tile_begin_ == 1 && !plan_.pack_b && (!g_.weight || held_);
    for (int64_t p = panel_begin_; p < panel_end_;) {
      int64_t panels = several ? std::min(kPanelsAtOnce, panel_end_ - p) : 1;
      if (panels > 1 && (p + panels) * kGemmPanel > g_.n) --panels;  // the last panel lacks columns: alone
      for (int64_t part = 0; part < parts; ++part) Panels(part, p, panels, k0, count);
      if (g_.act && k0 + count == g_.k) Activate(p, panels);
      p += panels;
    }
  }

  void Panels(int64_t part, int64_t p, int64_t panels, int64_t k0, int64_t count) {
    Tile t;
    const float* b = nullptr;
    if (g_.weight) {
      t.b_row = kGemmPanel;
    } else if (g_.b_row == 0) {
      b = g_.b + (part * plan_.panels + p) * g_.b_panel + k0 * kGemmPanel;
      t.b_row = kGemmPanel;
      t.b_panel = g_.b_panel;
    } else {
      const int64_t column = p * kGemmPanel;
      b = g_.b + k0 * g_.b_row + column;
      t.b_row = g_.b_row;
      t.b_panel = kGemmPanel;
      if (plan_.pack_b) {
        PackPanel(b, g_.b_row, std::min(kGemmPanel, g_.n - column), count, b_);
        b = b_;
        t.b_row = kGemmPanel;
      }
    }
    // The tiles ask for the next block of B while they work on this one.
    constexpr int lines = kGemmChunk * kGemmPanel / 16;  // of 16 k
    const int share = tile_end_ - tile_begin_ >= 4 ? 4 : 2;
    const float* const next = NextPanel(part, p, k0);
    for (int64_t j = 0; j == 0 || j < count; j += kGemmBlock) {
      t.k = std::min(kGemmBlock, count - j);
      if (held_)
        Hold(t, part * plan_.panels + p, k0 + j);
      else if (g_.weight)
        Decode(part * plan_.panels + p, k0 + j, t.k);
      t.b = g_.weight ? b_ : b + j * t.b_row;
      t.a_chunk = a_chunk_;
      const float* const ahead = b && g_.b_row == 0 && j + t.k < count ? t.b + t.k * kGemmPanel : next;
      for (int64_t tile = tile_begin_; tile < tile_end_; ++tile) {
        const int64_t row = TileRow(tile), end = TileRow(tile + 1), turn = tile - tile_begin_;
        t.ahead_lines = 0;
        if (ahead && turn < share) {
          t.ahead_lines = lines / share;
          t.ahead = ahead + turn * (t.k * kGemmPanel / share);
        }
        if (!g_.chain) {
          t.a = a_from_ + j / kGemmChunk * a_chunk_ + (row - row_begin_) * kGemmChunk;
          Rows(t, row, end - row, end, part, p, panels, k0 + j);
          continue;
        }
        const int64_t parts = (end - row + kMaxRows - 1) / kMaxRows;
        for (int64_t i = 0; i < parts; ++i) {
          const int64_t first = row + (end - row) * i / parts, last = row + (end - row) * (i + 1) / parts;
          t.a = a_from_ + turn * a_chunk_ + j * kGemmChunk + first - row;
          Rows(t, first, last - first, last, part, p, panels, k0 + j);
          t.ahead_lines = 0;
        }
      }
    }
  }

  // Reads k from k0 on in place.
  void Hold(Tile& t, int64_t panel, int64_t k0) const {
    const int64_t before = PackedWeight::panel_bytes(k0, g_.weight.encoding);
    t.held = g_.weight.data_of(panel) + before;
    t.held_panel = g_.weight.panel_bytes;
  }

  // One block of B, [count][32] in b_.
  void Decode(int64_t panel, int64_t k0, int64_t count) {
    if (g_.transposed)
      DecodeTransposed(g_.weight, g_.n, k0, count, panel, b_);
    else
      DecodePanel(g_.weight, panel, k0, count, b_);
  }

  // Where the panel lies that the task reads next, or null.
  const float* NextPanel(int64_t part, int64_t p, int64_t k0) const {
    if (g_.weight || g_.b_row || tile_end_ - tile_begin_ < 2) return nullptr;
    if (g_.act)
      p += part, part = 1 - part;
    else
      ++p;
    return p < panel_end_ ? g_.b + (part * plan_.panels + p) * g_.b_panel + k0 * kGemmPanel : nullptr;
  }

  // Rows [row, row + rows) over one block of k and `panels` panels.
  void Rows(Tile& t, int64_t row, int64_t rows, int64_t next, int64_t part, int64_t p, int64_t panels,
            int64_t k0) {
    const bool last = k0 + t.k == g_.k;
    const int64_t column = p * kGemmPanel;
    t.bias = last && g_.bias ? g_.bias + column : nullptr;
    t.residual = last && g_.residual ? g_.residual + row * g_.c_row + column : nullptr;
    t.residual_row = g_.c_row;
    float* c = g_.c ? g_.c + row * g_.c_row + part * g_.n + column : nullptr;
    float* partial = c;
    t.in_row = t.out_row = g_.c_row;
    if (plan_.scratch) {
      t.in_row = ScratchRow();
      partial = Scratch(part, p) + (row - row_begin_) * t.in_row;
    }
    const bool to_c = last && c;
    t.out = to_c ? c : partial;
    t.out_row = to_c ? g_.c_row : t.in_row;
    t.in = g_.chain || k0 > 0 ? partial : nullptr;
    if (t.in) {
      const int64_t after = std::min(next + kMaxRows, row_begin_ + rows_);
      for (int64_t r = next - row; r < after - row; ++r) {  // what the next tile continues from
        hwy::Prefetch(t.in + r * t.in_row);
        hwy::Prefetch(t.in + r * t.in_row + kGemmPanel / 2);
      }
    }
    const TileKernel kernel = held_ ? g_.weight.encoding == Encoding::bf16 ? HeldKernelOf<Bf16Columns>(rows)
                                                                           : HeldKernelOf<Q8Columns>(rows)
                              : g_.chain ? KernelOf<true>(rows)
                                         : KernelOf<false>(rows);
    if (column + panels * kGemmPanel <= g_.n) {
      kernel(t, panels);
    } else {
      Tail(kernel, t, rows, g_.n - column);
    }
  }

  // A tile of the last panel, of which `columns` exist: computed aside.
  void Tail(TileKernel kernel, Tile t, int64_t rows, int64_t columns) {
    const auto fetch = [&](const float*& from, int64_t from_row, int64_t count, float* to) {
      if (!from) return;
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t i = 0; i < kGemmPanel; ++i)
          to[r * kGemmPanel + i] = i < columns ? from[r * from_row + i] : 0.0f;
      }
      from = to;
    };
    float* const out = t.out;
    const int64_t out_row = t.out_row;
    fetch(t.in, t.in_row, rows, tail_);
    fetch(t.residual, t.residual_row, rows, tail_ + 16 * kGemmPanel);
    fetch(t.bias, 0, 1, tail_ + 32 * kGemmPanel);
    t.out = tail_ + 48 * kGemmPanel;
    t.in_row = t.residual_row = t.out_row = kGemmPanel;
    kernel(t, 1);
    for (int64_t r = 0; r < rows; ++r) std::copy_n(t.out + r * kGemmPanel, columns, out + r * out_row);
  }

  // A's rows of the task over k [k0, k0 + count), in chunks: a_from_, a_chunk_.
  void PackA(int64_t k0, int64_t count) {
    if (g_.a_chunk) {
      a_chunk_ = g_.a_chunk;
      a_from_ = g_.chain ? g_.a + tile_begin_ * a_chunk_ + k0 * kGemmChunk
                         : g_.a + k0 / kGemmChunk * a_chunk_ + row_begin_ * kGemmChunk;
      return;
    }
    if (g_.m == 1 && !g_.chain) {  // one row is in chunks already
      a_chunk_ = kGemmChunk;
      a_from_ = g_.a + k0;
      return;
    }
    a_from_ = a_;
    if (a_ready_ && count == g_.k) return;
    if (g_.chain) {
      a_chunk_ = (count | 1) * kGemmChunk;  // odd: neighbouring chunks shall not meet in one set of a cache
      PackChunks(g_.a + k0 * g_.a_row + row_begin_, g_.a_row, count, rows_, a_, a_chunk_);
    } else {
      a_chunk_ = (rows_ | 1) * kGemmChunk;
      PackChunks(g_.a + row_begin_ * g_.a_row + k0, g_.a_row, rows_, count, a_, a_chunk_);
    }
    a_ready_ = true;
  }

  int64_t ScratchRow() const { return (panel_end_ - panel_begin_) * kGemmPanel * (g_.act ? 2 : 1); }
  float* Scratch(int64_t part, int64_t p) const {
    return scratch_ + ((p - panel_begin_) + part * (panel_end_ - panel_begin_)) * kGemmPanel;
  }

  void Activate(int64_t p, int64_t panels) {
    const int64_t column = p * kGemmPanel;
    for (int64_t r = 0; r < rows_; ++r) {
      const int64_t row = row_begin_ + r;
      const float* gate = g_.c ? g_.c + row * g_.c_row + column : Scratch(0, p) + r * ScratchRow();
      const float* up = g_.c ? gate + g_.n : Scratch(1, p) + r * ScratchRow();
      SwigluRow(gate, up, panels * kGemmPanel, g_.act + row * g_.n + column);
    }
  }

  const Gemm& g_;
  const GemmPlan& plan_;
  float *a_, *b_, *scratch_, *tail_;
  int64_t block_ = -1, tile_begin_ = 0, tile_end_ = 0, row_begin_ = 0, rows_ = 0, panel_begin_ = 0,
          panel_end_ = 0;
  const float* a_from_ = nullptr;
  int64_t a_chunk_ = 0;
  bool a_ready_ = false;
  bool held_ = false;  // B is read as it is held
};

// Tasks `thread`, then those that `next` hands out.
void Work(const Gemm& g, const GemmPlan& plan, float* workspace, int thread, int threads,
          std::atomic<int64_t>& next) {
  Worker worker(g, plan, workspace);
  const int64_t tasks = plan.row_blocks * plan.groups;
  for (int64_t task = thread; task < tasks; task = threads + next.fetch_add(1, std::memory_order_relaxed)) {
    worker.Run(task);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort {
namespace {

HWY_EXPORT(MaxRows);
HWY_EXPORT(Work);
HWY_EXPORT(SwigluRow);

// Below this much work a parallel region costs more than it gains.
constexpr double kSerialFlops = 1e6;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int threads_for(double flops) {
  return flops < kSerialFlops || omp_in_parallel() ? 1 : omp_get_max_threads();
}

// The cheapest cut by a simple cost model, in units of one row x panel x k in a kernel.
void cut(const Gemm& g, int threads, int64_t max_rows, GemmPlan& plan) {
  const int64_t parts = g.act ? 2 : 1;
  const bool unpacked = g.b_row || g.weight;
  const int64_t fewest_blocks = ceil_div(plan.tiles, (unpacked ? kRowBlockUnpacked : kRowBlock) / max_rows);
  const int64_t fewest_groups = ceil_div(plan.panels * parts, kGroupPanels);
  plan.row_blocks = fewest_blocks;
  plan.groups = std::min(fewest_groups, plan.panels);
  if (threads == 1) return;
  double best = 0;
  for (int64_t groups = plan.groups; groups <= plan.panels; groups += std::max<int64_t>(1, groups / 2)) {
    for (const int64_t want : {1, 2, 3, 4, 6, 8}) {
      const int64_t blocks = std::max(fewest_blocks, std::min(plan.tiles, ceil_div(want * threads, groups)));
      const double rows = static_cast<double>(ceil_div(plan.tiles, blocks) * ceil_div(g.m, plan.tiles));
      const double panels = static_cast<double>(parts * ceil_div(plan.panels, groups));
      const double task = rows * panels + 0.12 * rows + (unpacked ? 4.0 : 0.5) * panels +
                          500.0 / static_cast<double>(std::max<int64_t>(g.k, 1));
      const double cost = task * (static_cast<double>(ceil_div(blocks * groups, threads)) + 0.2);
      if (best == 0 || cost < best) {
        best = cost;
        plan.row_blocks = blocks;
        plan.groups = groups;
      }
    }
  }
}

GemmPlan plan_for(const Gemm& g, int threads) {
  GemmPlan plan;
  const int64_t max_rows = g.chain ? kGemmChunk : HWY_DYNAMIC_DISPATCH(MaxRows)();
  plan.tiles = ceil_div(g.m, max_rows);
  plan.panels = ceil_div(g.n, kGemmPanel);
  cut(g, threads, max_rows, plan);
  const int64_t tiles = ceil_div(plan.tiles, plan.row_blocks),
                rows = tiles * (g.chain ? kGemmChunk : ceil_div(g.m, plan.tiles));
  // In place, a row of B is read once per tile from memory; the last panel must not be read beyond its
  // columns.
  plan.pack_b = g.b_row && (tiles > 2 || g.n % kGemmPanel != 0);
  const int64_t span =
      plan.pack_b ? kGemmBlock : std::max(kGemmBlock, kPackedFloats / rows / kGemmBlock * kGemmBlock);
  plan.k_span = std::max<int64_t>(1, std::min(span, g.k));
  plan.scratch = (g.act && !g.c) || (g.residual && g.k > kGemmBlock);
  const int64_t chunked = g.chain ? rows : plan.k_span, along = g.chain ? plan.k_span : rows;
  plan.a_floats = g.a_chunk ? 0 : ceil_div(chunked, kGemmChunk) * kGemmChunk * (along + 1);
  plan.b_floats = g.weight ? kGemmBlock * kGemmPanel : plan.pack_b ? plan.k_span * kGemmPanel : 0;
  plan.scratch_floats =
      plan.scratch ? rows * ceil_div(plan.panels, plan.groups) * kGemmPanel * (g.act ? 2 : 1) : 0;
  return plan;
}

}  // namespace

void gemm_cpu(const Gemm& g) {
  if (g.m == 0 || g.n == 0 || (g.chain && g.k == 0)) return;
  const double flops = 2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  const int threads = threads_for(flops);
  const GemmPlan plan = plan_for(g, threads);
  thread_local Buffer workspace;
  float* const space = workspace.reserve(plan.workspace() * threads);
  std::atomic<int64_t> next{0};
  const auto work = HWY_DYNAMIC_DISPATCH(Work);
  if (threads == 1) {
    work(g, plan, space, 0, 1, next);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    work(g, plan, space + plan.workspace() * thread, thread, omp_get_num_threads(), next);
  }
}

void swiglu_rows_cpu(const float* gate_up, int64_t rows, int64_t f, float* act) {
  const auto row = HWY_DYNAMIC_DISPATCH(SwigluRow);
#pragma omp parallel for schedule(static) num_threads(threads_for(32.0 * static_cast <double>(rows * f)))
  for (int64_t i = 0; i < rows; ++i) row(gate_up + i * 2 * f, gate_up + i * 2 * f + f, f, act + i * f);
}

}  // namespace cohort
#endif
