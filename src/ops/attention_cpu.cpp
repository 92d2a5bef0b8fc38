#include "ops/attention_cpu.h"

#include <omp.h>

#include <bit>
#include <cmath>
#include <limits>

// A tile is at most kTileRows queries that read the same key/value head. It computes all of its rows' scores,
// then the softmax of each row, then the weighted sums of values.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/attention_cpu.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "ops/attention_kernels-inl.h"

#ifndef COHORT_OPS_ATTENTION_CPU_TILE_
#define COHORT_OPS_ATTENTION_CPU_TILE_
namespace cohort {

// Queries f = begin .. begin + rows - 1 of `spans` spans. With one span f counts (row, head of the group);
// with several, which have one row each, (span, head). The first `shared` positions, `shared_runs` runs, are
// read for all rows at once; with one span these are all.
struct AttentionTile {
  int32_t kv_head, span, spans, begin, rows, shared_runs, shared;
};

struct AttentionForward {
  AttentionShape shape;
  Tensor qkv;
  const AttentionBatch* batch;
  KvStore store;
  Tensor out, lse;
  int64_t longest;  // positions of the longest path

  int64_t group() const { return shape.heads / shape.kv_heads; }
  // A thread's workspace: packed queries, sums, one block of scores with 16 floats before and after each row,
  // all scores.
  int64_t packed_floats() const { return 16 * padded_head_dim(shape); }
  static constexpr int64_t kBlockStride = 64;
  int64_t workspace_floats() const { return 2 * packed_floats() + 16 * kBlockStride + 16 * (longest + 16); }
};

}  // namespace cohort
#endif

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

// Positions [position, limit) of a path, from run `run` on, of one key/value head.
struct PathPart {
  const KvRun* run;
  int64_t position, limit;
  KvStore store;
  int64_t head_offset;  // of the key/value head in a block
};

// scores (chunked, row stride kChunk, `chunk_stride` between chunks) = scale * q k
void score_part(const PathPart& part, int rows, const float* q, size_t q_stride, int64_t head_dim,
                float scale, float* block_scores, float* scores, size_t chunk_stride) {
  const Floats d;
  constexpr size_t kStride = AttentionForward::kBlockStride;
  const Vector factor = hn::Set(d, scale);
  const KvRun* run = part.run;
  for (int64_t position = part.position; position < part.limit; position += run->count, ++run) {
    const int64_t count = std::min<int64_t>(run->count, part.limit - position);
    if (count == 0) continue;
    const int vectors = static_cast<int>((count + kLanes - 1) / kLanes);
    multiply<false>(rows, {head_dim, q, q_stride, part.store.block(run->block) + part.head_offset, kKvBlock,
                           block_scores + kChunk, kStride, vectors, false});
    // Move the block to its absolute positions. Columns beyond `count` land on positions that the next run
    // writes.
    const int shift = static_cast<int>(position % kChunk);
    const int chunks = static_cast<int>((shift + count + kChunk - 1) / kChunk);
    for (int chunk = 0; chunk < chunks; ++chunk) {
      float* to = scores + (position / kChunk + chunk) * chunk_stride;
      const float* from = block_scores + kChunk - shift + chunk * kChunk;
      for (int r = 0; r < rows; ++r)
        for (int v = 0; v < kVectors; ++v) {
          float* place = to + r * kChunk + v * kLanes;
          Vector s = hn::Mul(factor, hn::LoadU(d, from + r * kStride + v * kLanes));
          if (chunk == 0 && shift > v * kLanes)
            s = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(shift - v * kLanes)), hn::LoadU(d, place),
                               s);
          hn::StoreU(s, d, place);
        }
    }
  }
}

// Replaces the first `limit` scores of a row by e = exp(score - max). Returns their sum; *max_out receives
// the maximum.
float exponentiate(float* row, size_t chunk_stride, int64_t limit, float* max_out) {
  const Floats d;
  const int64_t full = limit / kChunk;
  const int rest = static_cast<int>(limit % kChunk);
  Vector largest[kVectors];
  hn::Mask<Floats> tail[kVectors];
  const Vector lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (int v = 0; v < kVectors; ++v) {
    largest[v] = lowest;
    tail[v] = hn::FirstN(d, static_cast<size_t>(std::max(0, rest - v * kLanes)));
  }
  float* chunk = row;
  for (int64_t c = 0; c < full; ++c, chunk += chunk_stride)
    for (int v = 0; v < kVectors; ++v) largest[v] = hn::Max(largest[v], hn::LoadU(d, chunk + v * kLanes));
  if (rest)
    for (int v = 0; v < kVectors; ++v)
      largest[v] = hn::Max(largest[v], hn::IfThenElse(tail[v], hn::LoadU(d, chunk + v * kLanes), lowest));
  for (int v = 1; v < kVectors; ++v) largest[0] = hn::Max(largest[0], largest[v]);
  const Vector m = hn::MaxOfLanes(d, largest[0]);

  Vector sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
  chunk = row;
  for (int64_t c = 0; c < full; ++c, chunk += chunk_stride)
    for (int v = 0; v < kVectors; ++v) {
      const Vector e = hn::Exp(d, hn::Sub(hn::LoadU(d, chunk + v * kLanes), m));
      sum[v] = hn::Add(sum[v], e);
      hn::StoreU(e, d, chunk + v * kLanes);
    }
  if (rest)
    for (int v = 0; v < kVectors; ++v) {
      const Vector e = hn::IfThenElseZero(tail[v], hn::Exp(d, hn::Sub(hn::LoadU(d, chunk + v * kLanes), m)));
      sum[v] = hn::Add(sum[v], e);
      hn::StoreU(e, d, chunk + v * kLanes);
    }
  *max_out = hn::GetLane(m);
  return sum_lanes(sum);
}

// sums (rows, padded head width) += e v over the positions of a part. Rows see all positions before `full`;
// from there on row r sees position p where r >= (p - full + 1) * group - skew.
struct ValueSum {
  PathPart part;
  int64_t full, group, skew;
  const float* e;
  size_t chunk_stride;
  float* sums;
  size_t width;
  bool accumulate;
};

template <int kRows, int kWide>
HWY_INLINE void sum_columns(const ValueSum& s, int column) {
  Accumulators<kRows, kWide> sum;
  if (s.accumulate) {
    sum.load(s.sums + column, s.width);
  } else {
    sum.zero();
  }
  const KvRun* run = s.part.run;
  const size_t width = s.width;
  int64_t p = s.part.position;
  while (p < s.part.limit) {
    const float* v = s.part.store.block(run->block) + s.part.head_offset + column;
    const int64_t end = std::min<int64_t>(s.part.limit, p + run->count);
    const int64_t full = std::min(end, s.full);
    while (p < full) {
      const int64_t stop = std::min(full, (p | (kChunk - 1)) + 1);
      const float* e = s.e + (p / kChunk) * s.chunk_stride + p % kChunk;
      for (; p < stop; ++p, ++e, v += width) sum.template add<kChunk>(e, v);
    }
    for (; p < end; ++p, v += width) {
      const int64_t first = (p - s.full + 1) * s.group - s.skew;
      sum.add_from(static_cast<int>(first), s.e + (p / kChunk) * s.chunk_stride + p % kChunk, v);
    }
    ++run;
  }
  sum.store(s.sums + column, s.width);
}

template <int kRows>
void sum_rows(const ValueSum& s) {
  constexpr int kWide = tile_vectors(kRows);
  const int vectors = static_cast<int>(s.width) / kLanes;
  int j = 0;
  for (; j + kWide <= vectors; j += kWide) sum_columns<kRows, kWide>(s, j * kLanes);
  if constexpr (kWide > 4) {
    if (j + 4 <= vectors) sum_columns<kRows, 4>(s, j * kLanes), j += 4;
  }
  if constexpr (kWide > 2) {
    if (j + 2 <= vectors) sum_columns<kRows, 2>(s, j * kLanes), j += 2;
  }
  if constexpr (kWide > 1) {
    if (j < vectors) sum_columns<kRows, 1>(s, j * kLanes);
  }
}

template <int... kRow>
HWY_INLINE void sum_values(int rows, const ValueSum& s, std::integer_sequence<int, kRow...>) {
  using Function = void (*)(const ValueSum&);
  constexpr Function table[] = {sum_rows<kRow + 1>...};
  table[rows - 1](s);
}

}  // namespace

int tile_rows() { return kTileRows; }

void run_tile(const AttentionForward& f, const AttentionTile& tile, float* workspace) {
  const AttentionShape& shape = f.shape;
  const int64_t group = f.group(), width = padded_head_dim(shape), head_dim = shape.head_dim;
  const int rows = tile.rows;
  const int64_t kv_head = tile.kv_head;
  const size_t chunk_stride = static_cast<size_t>(rows) * kChunk;
  float* const q = workspace;
  float* const sums = q + f.packed_floats();
  float* const block_scores = sums + f.packed_floats();
  float* const scores = block_scores + 16 * AttentionForward::kBlockStride;

  const float* from[16];
  float* to[16];
  int64_t limit[16], lse_index[16];
  const QuerySpan* const span = f.batch->spans.data() + tile.span;
  for (int r = 0; r < rows; ++r) {
    const int64_t index = (tile.begin + r) / group, head = kv_head * group + (tile.begin + r) % group;
    const int64_t row = tile.spans == 1 ? span->row + index : span[index].row;
    limit[r] = 1 + (tile.spans == 1 ? span->position + index : span[index].position);
    from[r] = f.qkv.row(row) + head * head_dim;
    to[r] = f.out.row(row) + head * head_dim;
    lse_index[r] = row * shape.heads + head;
  }
  pack_chunked(from, rows, head_dim, q);

  const int64_t head_offset = kv_head * kKvBlock * (head_dim + width);
  const KvRun* runs = f.batch->runs.data();
  PathPart shared{runs + span->run_begin, 0, tile.spans == 1 ? limit[rows - 1] : tile.shared, f.store,
                  head_offset};
  score_part(shared, rows, q, chunk_stride, head_dim, shape.scale, block_scores, scores, chunk_stride);
  // Calls visit(first row, rows, part) for what each span of a shared tile has to itself.
  const auto own_parts = [&](auto&& visit) {
    if (tile.spans == 1) return;
    for (int r = 0; r < rows;) {
      const int64_t index = (tile.begin + r) / group;
      const int next = static_cast<int>(std::min<int64_t>(rows, (index + 1) * group - tile.begin));
      if (limit[r] > tile.shared)
        visit(r, next - r,
              PathPart{runs + span[index].run_begin + tile.shared_runs, tile.shared, limit[r], f.store,
                       head_offset});
      r = next;
    }
  };
  own_parts([&](int r, int count, const PathPart& part) {
    score_part(part, count, q + r * kChunk, chunk_stride, head_dim, shape.scale, block_scores,
               scores + r * kChunk, chunk_stride);
  });

  HWY_ALIGN float largest[16] = {}, total[16];
  std::fill(total, total + 16, 1.0f);
  for (int r = 0; r < rows; ++r)
    total[r] = exponentiate(scores + r * kChunk, chunk_stride, limit[r], &largest[r]);

  shared.head_offset += kKvBlock * head_dim;
  const auto sequence = std::make_integer_sequence<int, kTileRows>();
  sum_values(rows,
             {shared, tile.spans == 1 ? limit[0] : shared.limit, group, tile.begin % group, scores,
              chunk_stride, sums, static_cast<size_t>(width), false},
             sequence);
  own_parts([&](int r, int count, PathPart part) {
    part.head_offset += kKvBlock * head_dim;
    sum_values(count,
               {part, part.limit, group, 0, scores + r * kChunk, chunk_stride, sums + r * width,
                static_cast<size_t>(width), true},
               sequence);
  });

  const Floats d;
  for (int r = 0; r < rows; ++r) {
    const Vector divisor = hn::Set(d, total[r]);
    float* sum = sums + r * width;
    for (int64_t k = 0; k < width; k += kLanes)
      hn::StoreU(hn::Div(hn::LoadU(d, sum + k), divisor), d, sum + k);
    copy_row(sum, head_dim, to[r]);
  }
  if (f.lse) {
    for (int v = 0; v < kVectors; ++v) {
      const Vector l = hn::Load(d, total + v * kLanes), m = hn::Load(d, largest + v * kLanes);
      hn::Store(hn::Add(m, hn::Log(d, l)), d, total + v * kLanes);
    }
    for (int r = 0; r < rows; ++r) f.lse.data[lse_index[r]] = total[r];
  }
}

// Keys and values of `count` rows from `row` on, which go to places next to one another from `slot` on.
void write_rows(const AttentionShape& shape, const Tensor& qkv, int64_t row, int count, KvSlot slot,
                KvStore store) {
  const int64_t head_dim = shape.head_dim, width = padded_head_dim(shape), stride = qkv.cols();
  for (int64_t h = 0; h < shape.kv_heads; ++h) {
    float* block = store.block(slot.block) + h * kKvBlock * (head_dim + width);
    const float* k = qkv.row(row) + (shape.heads + h) * head_dim;
    transpose_rows(k, stride, count, head_dim, block + slot.offset);
    const float* v = k + shape.kv_heads * head_dim;
    for (int i = 0; i < count; ++i)
      copy_padded(v + i * stride, head_dim, block + kKvBlock * head_dim + (slot.offset + i) * width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort {

HWY_EXPORT(tile_rows);
HWY_EXPORT(run_tile);
HWY_EXPORT(write_rows);

namespace {

constexpr int64_t kSerialWork =
    100'000;  // multiply-adds below which a parallel region costs more than it saves

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
    for (int64_t i = 0; i < tasks; ++i) run(f, tiles[i], memory);
    return;
  }
  const int64_t at_once = std::max<int64_t>(1, std::min(tasks * kSerialWork / 4 / work, tasks / threads));
#pragma omp parallel for schedule(dynamic, at_once) num_threads(threads)
  for (int64_t i = 0; i < tasks; ++i) run(f, tiles[i], memory + omp_get_thread_num() * floats);
}

void kv_write_cpu(const AttentionShape& shape, const Tensor& qkv, const AttentionBatch& batch,
                  KvStore store) {
  const int64_t rows = qkv.rows();
  // One task per piece of at most 16 rows that go to neighbouring places of one block.
  std::vector<std::pair<int32_t, int32_t>> pieces;
  for (int64_t row = 0; row < rows; ++row) {
    const KvSlot& slot = batch.slots[row];
    if (!pieces.empty() && pieces.back().second < 16) {
      const KvSlot& last = batch.slots[row - 1];
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
    write(shape, qkv, pieces[i].first, pieces[i].second, batch.slots[pieces[i].first], store);
}

}  // namespace cohort
#endif
