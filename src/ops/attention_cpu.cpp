#include "ops/attention_cpu.h"

#include <omp.h>

#include <bit>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/attention_cpu.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "ops/attention_tile-inl.h"

#if HWY_ONCE
namespace cohort {

HWY_EXPORT(tile_rows);
HWY_EXPORT(run_tile);
HWY_EXPORT(write_rows);

namespace {

// Multiply-adds below which a parallel region costs more than it saves.
constexpr int64_t kSerialWork = 100'000;

// Neighbouring spans of one row each, from `first` on, that begin with the same runs: how many spans, runs
// and positions.
struct Shared {
  int32_t spans = 1, runs = 0, positions = 0;
};

Shared shared_prefix(const AttentionBatch& batch, size_t first) {
  const QuerySpan& a = batch.spans[first];
  Shared shared;
  for (size_t next = first + 1; next < batch.spans.size() && a.rows == 1; ++next) {
    const QuerySpan& b = batch.spans[next];
    if (b.rows != 1) break;
    const int32_t visible = std::min(a.position, b.position) + 1;
    int32_t runs = 0, positions = 0;
    const int32_t most = std::min({a.run_end - a.run_begin, b.run_end - b.run_begin,
                                   shared.spans > 1 ? shared.runs : std::numeric_limits<int32_t>::max()});
    for (; runs < most; ++runs) {
      const KvRun &x = batch.runs[a.run_begin + runs], &y = batch.runs[b.run_begin + runs];
      if (x.block != y.block || x.count != y.count || positions + x.count > visible) break;
      positions += x.count;
    }
    if (positions == 0 || positions * 2 < shared.positions) break;  // a far shorter prefix is another group
    shared = {shared.spans + 1, runs, positions};
  }
  return shared;
}

// Tiles in order of (group of spans, key/value head): neighbours read the same keys and values.
std::vector<AttentionTile> plan_tiles(const AttentionShape& shape, const AttentionBatch& batch,
                                      int64_t tile_rows) {
  const int64_t group = shape.heads / shape.kv_heads;
  std::vector<AttentionTile> tiles;
  for (size_t i = 0; i < batch.spans.size();) {
    const Shared shared = shared_prefix(batch, i);
    const int64_t rows = group * (shared.spans > 1 ? shared.spans : batch.spans[i].rows);
    const int64_t count = (rows + tile_rows - 1) / tile_rows;  // of nearly equal height
    for (int64_t kv_head = 0; kv_head < shape.kv_heads; ++kv_head)
      for (int64_t t = 0; t < count; ++t) {
        const int64_t begin = rows * t / count, end = rows * (t + 1) / count;
        tiles.push_back({static_cast<int32_t>(kv_head), static_cast<int32_t>(i), shared.spans,
                         static_cast<int32_t>(begin), static_cast<int32_t>(end - begin), shared.runs,
                         shared.positions});
      }
    i += static_cast<size_t>(shared.spans);
  }
  return tiles;
}

}  // namespace

void attention_forward_cpu(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                           KvStore store, Tensor out, Tensor lse) {
  AttentionForward f{shape, qkv, &batch, store, out, lse, 0};
  int64_t work = 0;
  for (const QuerySpan& s : batch.spans) {
    const int64_t end = int64_t{s.position} + s.rows;
    if (s.rows > 0) f.longest = std::max(f.longest, end);
    work += s.rows * (2 * end - s.rows) * shape.heads * shape.head_dim;
  }
  const std::vector<AttentionTile> tiles = plan_tiles(shape, batch, HWY_DYNAMIC_DISPATCH(tile_rows)());
  const int64_t tasks = static_cast<int64_t>(tiles.size());
  if (tasks == 0) return;
  const int threads = omp_in_parallel() || work < kSerialWork ? 1 : omp_get_max_threads();
  const int64_t floats = (f.workspace_floats() + 31) / 16 * 16;
  thread_local Buffer workspace;
  float* const memory =
      workspace.reserve(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(floats * threads))));
  const auto run = HWY_DYNAMIC_DISPATCH(run_tile);
  if (threads == 1) {
    for (int64_t i = 0; i < tasks; ++i) run(f, tiles[i], i + 1 < tasks ? &tiles[i + 1] : nullptr, memory);
    return;
  }
  const int64_t at_once = std::max<int64_t>(1, std::min(tasks * kSerialWork / 4 / work, tasks / threads));
#pragma omp parallel for schedule(dynamic, at_once) num_threads(threads)
  for (int64_t i = 0; i < tasks; ++i)
    run(f, tiles[i], i + 1 < tasks ? &tiles[i + 1] : nullptr, memory + omp_get_thread_num() * floats);
}

void kv_write_cpu(const AttentionShape& shape, const Tensor& qkv, std::span<const KvSlot> slots,
                  KvStore store) {
  const int64_t rows = qkv.rows();
  // One task per piece of at most 16 rows that go to neighbouring places of one block.
  std::vector<std::pair<int32_t, int32_t>> pieces;
  for (int64_t row = 0; row < rows; ++row) {
    const KvSlot& slot = slots[row];
    if (!pieces.empty() && pieces.back().second < 16) {
      const KvSlot& last = slots[row - 1];
      if (last.block == slot.block && last.offset + 1 == slot.offset) {
        ++pieces.back().second;
        continue;
      }
    }
    pieces.emplace_back(static_cast<int32_t>(row), 1);
  }
  const auto write = HWY_DYNAMIC_DISPATCH(write_rows);
  const int64_t count = static_cast<int64_t>(pieces.size());
  const bool serial = omp_in_parallel() || rows * shape.kv_heads * shape.head_dim < kSerialWork / 10;
#pragma omp parallel for schedule(static) if (!serial)
  for (int64_t i = 0; i < count; ++i)
    write(shape, qkv, pieces[i].first, pieces[i].second, slots[pieces[i].first], store);
}

}  // namespace cohort
#endif
