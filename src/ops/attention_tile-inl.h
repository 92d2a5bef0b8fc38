// The forward pass of one tile of queries, and the writing of keys and values; compiled once per instruction
// set. A tile computes all of its rows' scores, then the softmax of each row, then the weighted sums of
// values.
#if defined(COHORT_OPS_ATTENTION_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_ATTENTION_TILE_INL_H_
#undef COHORT_OPS_ATTENTION_TILE_INL_H_
#else
#define COHORT_OPS_ATTENTION_TILE_INL_H_
#endif

#include <limits>

#include "hwy/cache_control.h"
#include "ops/attention_cpu.h"
#include "ops/attention_kernels-inl.h"

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

// One row against two blocks at once, the bits of each alone: a block has too few vectors to hide the latency
// of an FMA. Row i of `to` receives the products with block i.
void score_pair(const float* q, size_t q_stride, int64_t head_dim, const float* const block[2], float* to,
                size_t to_stride) {
  const Floats d;
  constexpr int kWide = static_cast<int>(kKvBlock) / kLanes;
  Vector sum[2][kWide];
  for (int i = 0; i < 2; ++i)
    for (int v = 0; v < kWide; ++v) sum[i][v] = hn::Zero(d);
  const float *first = block[0], *second = block[1];
  for (int64_t k = 0; k < head_dim; k += kChunk, q += q_stride) {
    const int64_t count = std::min<int64_t>(kChunk, head_dim - k);
    for (int64_t c = 0; c < count; ++c, first += kKvBlock, second += kKvBlock) {
      const Vector factor = hn::Set(d, q[c]);
      for (int v = 0; v < kWide; ++v) {
        sum[0][v] = hn::MulAdd(factor, hn::LoadU(d, first + v * kLanes), sum[0][v]);
        sum[1][v] = hn::MulAdd(factor, hn::LoadU(d, second + v * kLanes), sum[1][v]);
      }
    }
  }
  for (int i = 0; i < 2; ++i)
    for (int v = 0; v < kWide; ++v) hn::StoreU(sum[i][v], d, to + i * to_stride + v * kLanes);
}

// Moves the products of `rows` rows with one block to their absolute positions, times `scale`. Columns beyond
// `count` land on positions that the next run writes.
HWY_INLINE void place_scores(const float* products, int rows, int64_t position, int64_t count, float scale,
                             float* scores, size_t chunk_stride) {
  const Floats d;
  const Vector factor = hn::Set(d, scale);
  const int shift = static_cast<int>(position % kChunk);
  const int chunks = static_cast<int>((shift + count + kChunk - 1) / kChunk);
  for (int chunk = 0; chunk < chunks; ++chunk) {
    float* to = scores + (position / kChunk + chunk) * chunk_stride;
    const float* from = products - shift + chunk * kChunk;
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < kVectors; ++v) {
        float* place = to + r * kChunk + v * kLanes;
        Vector s = hn::Mul(factor, hn::LoadU(d, from + r * AttentionForward::kBlockStride + v * kLanes));
        if (chunk == 0 && shift > v * kLanes)
          s = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(shift - v * kLanes)), hn::LoadU(d, place), s);
        hn::StoreU(s, d, place);
      }
  }
}

// scores (chunked, row stride kChunk, `chunk_stride` between chunks) = scale * q k
void score_part(const PathPart& part, int rows, const float* q, size_t q_stride, int64_t head_dim,
                float scale, float* block_scores, float* scores, size_t chunk_stride) {
  constexpr size_t kStride = AttentionForward::kBlockStride;
  float* const products = block_scores + kChunk;
  const KvRun* run = part.run;
  for (int64_t position = part.position; position < part.limit; ++run) {
    const int64_t rest = part.limit - position, count = std::min<int64_t>(run->count, rest);
    if (count == 0) continue;
    const float* const block = part.store.block(run->block) + part.head_offset;
    const int64_t next = rest > count ? std::min<int64_t>(run[1].count, rest - count) : 0;
    if (rows == 1 && count > kChunk && next > kChunk) {  // of less than half a block too much would be read
      ++run;
      const float* const pair[2] = {block, part.store.block(run->block) + part.head_offset};
      score_pair(q, q_stride, head_dim, pair, products, kStride);
      place_scores(products, 1, position, count, scale, scores, chunk_stride);
      place_scores(products + kStride, 1, position + count, next, scale, scores, chunk_stride);
      position += count + next;
      continue;
    }
    const int vectors = static_cast<int>((count + kLanes - 1) / kLanes);
    multiply<false>(rows, {head_dim, q, q_stride, block, kKvBlock, products, kStride, vectors, false});
    place_scores(products, rows, position, count, scale, scores, chunk_stride);
    position += count;
  }
}

// Makes the first `count` scores of a row so low that their exponentials are 0.
void hide_scores(float* row, size_t chunk_stride, int64_t count) {
  for (int64_t p = 0; p < count; ++p) row[p / kChunk * chunk_stride + p % kChunk] = -1e30f;
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

// Asks for what one row of a tile reads alone, up to four blocks of its keys or values: in decode they come
// from memory, each piece from a page of its own, and nothing but this looks ahead.
void prefetch_own(const AttentionForward& f, const AttentionTile& tile, bool values) {
  const int64_t group = f.group(), head_dim = f.shape.head_dim, width = padded_head_dim(f.shape);
  const QuerySpan* const span = f.batch->spans.data() + tile.span;
  if (span->rows != 1) return;
  const int64_t last = (tile.begin + tile.rows - 1) / group;
  for (int64_t index = tile.begin / group; index <= last; ++index) {
    const KvRun* run = f.batch->runs.data() + span[index].run_begin + tile.shared_runs;
    int64_t position = tile.shared;
    for (int i = 0; i < 4 && position <= span[index].position; ++i, position += run->count, ++run) {
      const float* from = f.store.block(run->block) + tile.kv_head * kKvBlock * (head_dim + width);
      if (values) {
        from += kKvBlock * head_dim;
        for (int64_t k = 0; k < run->count * width; k += kChunk) hwy::Prefetch(from + k);
      } else {
        for (int64_t k = 0; k<head_dim * kKvBlock; k += run->count> kChunk ? kChunk : kKvBlock)
          hwy::Prefetch(from + k);
      }
    }
  }
}

void run_tile(const AttentionForward& f, const AttentionTile& tile, const AttentionTile* next,
              float* workspace) {
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
  prefetch_own(f, tile, true);

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

  if (shape.window > 0)
    for (int r = 0; r < rows; ++r) hide_scores(scores + r * kChunk, chunk_stride, limit[r] - shape.window);

  if (next) prefetch_own(f, *next, false);
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

#endif  // per-target include guard
