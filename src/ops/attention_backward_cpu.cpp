#include <omp.h>

#include <bit>
#include <numeric>

#include "ops/attention_cpu.h"

// A task is one whole tree and one key/value head, so nothing else in the batch can touch its sums. Its keys
// and values are packed in blocks of 32 per segment. Tiles of at most 56 queries go through the tree in
// order; each walks the blocks of its path:
//   P = exp(scale * Q K^T - lse), dP = dO V^T, dS = scale * P * (dP - delta), delta = sum of dO * O,
//   dQ += dS K,  dK += dS^T Q,  dV += P^T dO.
// So dQ is a chain over the keys of the path, dK and dV are chains over the queries in the order (row, head).
// Tile sizes are the same for every instruction set: which masked zeros enter a chain decides the sign of a
// zero.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/attention_backward_cpu.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "ops/attention_kernels-inl.h"

#ifndef COHORT_OPS_ATTENTION_BACKWARD_TASK_
#define COHORT_OPS_ATTENTION_BACKWARD_TASK_
namespace cohort {

inline constexpr int kBackwardRows = 56;  // queries of a tile
inline constexpr int kBackwardStep = 16;  // queries at the diagonal leave out keys in steps of this many

struct AttentionBackward {
  AttentionShape shape;
  std::span<const Segment> segments;
  Tensor qkv, out, lse, d_out, d_qkv;

  int64_t group() const { return shape.heads / shape.kv_heads; }
  int64_t transposed_floats() const { return kKvBlock * shape.head_dim; }    // a block [D][32]
  int64_t rows_floats() const { return kKvBlock * padded_head_dim(shape); }  // a block [32][padded D]
  int64_t block_floats() const { return 2 * transposed_floats() + 3 * rows_floats(); }
  int64_t tile_floats() const { return kBackwardRows * (5 * padded_head_dim(shape) + 4 * kKvBlock + 2); }
  int64_t workspace_floats(int64_t blocks) const { return blocks * block_floats() + tile_floats(); }
};

// Segments [first, last) are one whole tree, of `blocks` blocks.
struct AttentionTree {
  int32_t first, last;
  int64_t blocks, work;
};

}  // namespace cohort
#endif

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

struct Block {  // rows [row, row + count) of one segment, the first of which is at `position` of its path
  int32_t row, count, position;
};

// The packed keys and values of a tree, and their gradients, for one key/value head.
struct Packed {
  float *k_t, *v_t, *k, *d_k, *d_v;
};

struct Tile {
  int64_t position;                // of the segment on its path
  int64_t begin;                   // first query, counted (row, head of the group) from the segment's start
  int rows;                        // queries
  float *q, *d_o;                  // chunked
  float *q_rows, *d_o_rows, *d_q;  // (rows, padded D)
  float *s, *d_p;                  // (rows, 32)
  float *p, *d_s;                  // chunked, 2 chunks
  float *lse, *delta;
};

// P and dS of row r of a tile against a block of which the row sees the first `visible` keys but for the first `hidden`.
HWY_INLINE void score_gradient(const Tile& t, int r, int visible, int hidden, float scale_value) {
  const Floats d;
  const Vector scale = hn::Set(d, scale_value), lse = hn::Set(d, t.lse[r]), delta = hn::Set(d, t.delta[r]);
  const size_t chunk_stride = static_cast<size_t>(t.rows) * kChunk;
  for (int column = 0; column < kKvBlock; column += kLanes) {
    const size_t place = static_cast<size_t>(column / kChunk) * chunk_stride + r * kChunk + column % kChunk;
    if (visible <= column || hidden >= column + kLanes) {
      hn::StoreU(hn::Zero(d), d, t.p + place);
      hn::StoreU(hn::Zero(d), d, t.d_s + place);
      continue;
    }
    const Vector s = hn::LoadU(d, t.s + r * kKvBlock + column),
                 d_p = hn::LoadU(d, t.d_p + r * kKvBlock + column);
    Vector p = hn::Exp(d, hn::Sub(hn::Mul(scale, s), lse));
    Vector d_s = hn::Mul(p, hn::Mul(scale, hn::Sub(d_p, delta)));
    if (visible < column + kLanes) {
      const auto seen = hn::FirstN(d, static_cast<size_t>(visible - column));
      p = hn::IfThenElseZero(seen, p);
      d_s = hn::IfThenElseZero(seen, d_s);
    }
    if (hidden > column) {
      const auto unseen = hn::FirstN(d, static_cast<size_t>(hidden - column));
      p = hn::IfThenZeroElse(unseen, p);
      d_s = hn::IfThenZeroElse(unseen, d_s);
    }
    hn::StoreU(p, d, t.p + place);
    hn::StoreU(d_s, d, t.d_s + place);
  }
}

// P, dS and dQ of rows [begin, end) of a tile against the first `keys` keys of block b; row r sees the first visible(r)
// of them but for the first hidden(r).
template <class Visible, class Hidden>
HWY_INLINE void query_rows(const AttentionBackward& f, const Tile& t, const Packed& packed, int64_t b,
                           int begin, int end, int keys, const Visible& visible, const Hidden& hidden) {
  const int64_t head_dim = f.shape.head_dim;
  const size_t width = static_cast<size_t>(padded_head_dim(f.shape));
  const size_t chunk_stride = static_cast<size_t>(t.rows) * kChunk;
  const int rows = end - begin, vectors = (keys + kLanes - 1) / kLanes, at = begin * kChunk;
  const int64_t block = b * f.transposed_floats();
  multiply_tall<false>(rows, {head_dim, t.q + at, chunk_stride, packed.k_t + block, kKvBlock,
                              t.s + begin * kKvBlock, kKvBlock, vectors, false});
  multiply_tall<false>(rows, {head_dim, t.d_o + at, chunk_stride, packed.v_t + block, kKvBlock,
                              t.d_p + begin * kKvBlock, kKvBlock, vectors, false});
  for (int r = begin; r < end; ++r) score_gradient(t, r, visible(r), hidden(r), f.shape.scale);
  multiply_tall<false>(rows, {keys, t.d_s + at, chunk_stride, packed.k + b * f.rows_floats(), width,
                              t.d_q + begin * width, width, static_cast<int>(width) / kLanes, true});
}

// One tile against block b, whose first key is key `key` of the tile's own segment, or of an ancestor (key <
// 0); its path position is `block_position`.
void tile_block(const AttentionBackward& f, const Tile& t, const Packed& packed, int64_t b, int count,
                int64_t key, int64_t block_position) {
  const size_t width = static_cast<size_t>(padded_head_dim(f.shape));
  const int padded_vectors = static_cast<int>(width) / kLanes;
  const int64_t group = f.group();
  const auto visible = [&](int r) {
    return key < 0 ? count : static_cast<int>(std::clamp<int64_t>((t.begin + r) / group - key + 1, 0, count));
  };
  // How many of the block's keys lie before a row's window.
  const auto hidden = [&](int r) {
    if (f.shape.window == 0) return 0;
    const int64_t first_seen = t.position + (t.begin + r) / group - f.shape.window + 1;
    return static_cast<int>(std::clamp<int64_t>(first_seen - block_position, 0, kKvBlock));
  };
  if (hidden(0) >= count) return;
  const bool full = visible(0) == count;
  if (full) {
    query_rows(f, t, packed, b, 0, t.rows, count, visible, hidden);
  } else {
    for (int begin = 0; begin < t.rows; begin += kBackwardStep) {
      const int end = std::min(begin + kBackwardStep, t.rows), keys = visible(end - 1);
      if (keys > 0) query_rows(f, t, packed, b, begin, end, keys, visible, hidden);
    }
  }
  for (int chunk = 0; chunk < count; chunk += kChunk) {
    int begin = 0;
    if (!full)
      while (begin < t.rows && visible(std::min(begin + kBackwardStep, t.rows) - 1) <= chunk)
        begin += kBackwardStep;
    if (begin >= t.rows) break;
    const int rows = t.rows - begin, keys = std::min(kChunk, count - chunk);
    const size_t place = (static_cast<size_t>(chunk / kChunk) * t.rows + begin) * kChunk;
    const size_t sum = b * f.rows_floats() + chunk * width;
    multiply_tall<true>(keys, {rows, t.p + place, kChunk, t.d_o_rows + begin * width, width, packed.d_v + sum,
                               width, padded_vectors, true});
    multiply_tall<true>(keys, {rows, t.d_s + place, kChunk, t.q_rows + begin * width, width, packed.d_k + sum,
                               width, padded_vectors, true});
  }
}

}  // namespace

void tree_gradient(const AttentionBackward& f, const AttentionTree& tree, int64_t kv_head, float* workspace) {
  const AttentionShape& shape = f.shape;
  const int64_t head_dim = shape.head_dim, width = padded_head_dim(shape), group = f.group();
  const int64_t stride = shape.qkv_width();
  const int64_t k_column = (shape.heads + kv_head) * head_dim,
                v_column = k_column + shape.kv_heads * head_dim;

  std::vector<Block> blocks;
  std::vector<int32_t> first_block;  // of segment tree.first + i; one more at the end
  for (int32_t i = tree.first; i < tree.last; ++i) {
    first_block.push_back(static_cast<int32_t>(blocks.size()));
    const Segment& s = f.segments[i];
    for (int32_t row = s.begin; row < s.end; row += kKvBlock)
      blocks.push_back({row, std::min<int32_t>(kKvBlock, s.end - row), s.position + row - s.begin});
  }
  first_block.push_back(static_cast<int32_t>(blocks.size()));

  const int64_t count = static_cast<int64_t>(blocks.size());
  Packed packed;
  packed.k_t = workspace;
  packed.v_t = packed.k_t + count * f.transposed_floats();
  packed.k = packed.v_t + count * f.transposed_floats();
  packed.d_k = packed.k + count * f.rows_floats();
  packed.d_v = packed.d_k + count * f.rows_floats();
  Tile t;
  t.q = packed.d_v + count * f.rows_floats();
  t.d_o = t.q + kBackwardRows * width;
  t.q_rows = t.d_o + kBackwardRows * width;
  t.d_o_rows = t.q_rows + kBackwardRows * width;
  t.d_q = t.d_o_rows + kBackwardRows * width;
  t.s = t.d_q + kBackwardRows * width;
  t.d_p = t.s + kBackwardRows * kKvBlock;
  t.p = t.d_p + kBackwardRows * kKvBlock;
  t.d_s = t.p + kBackwardRows * kKvBlock;
  t.lse = t.d_s + kBackwardRows * kKvBlock;
  t.delta = t.lse + kBackwardRows;

  std::fill(packed.d_k, packed.d_k + 2 * count * f.rows_floats(), 0.0f);
  for (int64_t b = 0; b < count; ++b) {
    const float* row = f.qkv.row(blocks[b].row);
    transpose_rows(row + k_column, stride, blocks[b].count, head_dim, packed.k_t + b * f.transposed_floats());
    transpose_rows(row + v_column, stride, blocks[b].count, head_dim, packed.v_t + b * f.transposed_floats());
    for (int i = 0; i < blocks[b].count; ++i)
      copy_padded(row + i * stride + k_column, head_dim, packed.k + b * f.rows_floats() + i * width);
  }

  std::vector<int32_t> path;  // segments above the current one, from the root
  for (int32_t i = tree.first; i < tree.last; ++i) {
    const Segment& s = f.segments[i];
    if (s.length() == 0) continue;
    path.clear();
    for (int32_t a = s.parent; a >= 0; a = f.segments[a].parent) path.push_back(a);
    std::reverse(path.begin(), path.end());
    t.position = s.position;
    const int64_t queries = s.length() * group, tiles = (queries + kBackwardRows - 1) / kBackwardRows;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t begin = queries * tile / tiles;
      t.begin = begin;
      t.rows = static_cast<int>(queries * (tile + 1) / tiles - begin);
      const float *q_from[kBackwardRows], *d_o_from[kBackwardRows];
      for (int r = 0; r < t.rows; ++r) {
        const int64_t row = s.begin + (begin + r) / group, head = kv_head * group + (begin + r) % group;
        q_from[r] = f.qkv.row(row) + head * head_dim;
        d_o_from[r] = f.d_out.row(row) + head * head_dim;
        t.lse[r] = f.lse.data[row * shape.heads + head];
        t.delta[r] = dot_lanes(d_o_from[r], f.out.row(row) + head * head_dim, head_dim);
        copy_padded(q_from[r], head_dim, t.q_rows + r * width);
        copy_padded(d_o_from[r], head_dim, t.d_o_rows + r * width);
      }
      pack_chunked(q_from, t.rows, head_dim, t.q);
      pack_chunked(d_o_from, t.rows, head_dim, t.d_o);
      std::fill(t.d_q, t.d_q + t.rows * width, 0.0f);

      for (const int32_t a : path)
        for (int32_t b = first_block[a - tree.first]; b < first_block[a - tree.first + 1]; ++b)
          tile_block(f, t, packed, b, blocks[b].count, -1, blocks[b].position);
      const int64_t last = (begin + t.rows - 1) / group;  // the last query's place in its segment
      for (int32_t b = first_block[i - tree.first]; b < first_block[i - tree.first + 1]; ++b) {
        const int64_t key = blocks[b].row - s.begin;
        if (key > last) break;
        tile_block(f, t, packed, b, static_cast<int>(std::min<int64_t>(blocks[b].count, last - key + 1)),
                   key, blocks[b].position);
      }
      for (int r = 0; r < t.rows; ++r) {
        const int64_t row = s.begin + (begin + r) / group, head = kv_head * group + (begin + r) % group;
        copy_row(t.d_q + r * width, head_dim, f.d_qkv.row(row) + head * head_dim);
      }
    }
  }
  for (int64_t b = 0; b < count; ++b)
    for (int i = 0; i < blocks[b].count; ++i) {
      float* row = f.d_qkv.row(blocks[b].row + i);
      copy_row(packed.d_k + b * f.rows_floats() + i * width, head_dim, row + k_column);
      copy_row(packed.d_v + b * f.rows_floats() + i * width, head_dim, row + v_column);
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort {

HWY_EXPORT(tree_gradient);

void attention_backward_cpu(const AttentionShape& shape, const TokenTree& tree, const Tensor& qkv,
                            const Tensor& out, const Tensor& lse, const Tensor& d_out, Tensor d_qkv) {
  const AttentionBackward f{shape, tree.segments, qkv, out, lse, d_out, d_qkv};
  std::vector<AttentionTree> trees;
  int64_t most_blocks = 0, work = 0;
  for (int32_t i = 0; i < static_cast<int32_t>(tree.segments.size()); ++i) {
    const Segment& s = tree.segments[i];
    if (s.parent < 0) trees.push_back({i, i, 0, 0});
    AttentionTree& t = trees.back();
    t.last = i + 1;
    t.blocks += (s.length() + kKvBlock - 1) / kKvBlock;
    t.work += s.length() * (2 * int64_t{s.position} + s.length());
    most_blocks = std::max(most_blocks, t.blocks);
  }
  for (const AttentionTree& t : trees) work += t.work * shape.heads * shape.head_dim;
  std::stable_sort(trees.begin(), trees.end(), [](const auto& a, const auto& b) { return a.work > b.work; });

  const int64_t tasks = static_cast<int64_t>(trees.size()) * shape.kv_heads;
  if (tasks == 0) return;
  constexpr int64_t serial_work = 50'000;  // below it a parallel region costs more than it saves
  const int threads = omp_in_parallel() || work < serial_work
                          ? 1
                          : static_cast<int>(std::min<int64_t>(tasks, omp_get_max_threads()));
  const int64_t floats = (f.workspace_floats(most_blocks) + 31) / 16 * 16;
  thread_local Buffer workspace;
  float* const memory =
      workspace.reserve(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(floats * threads))));
  const auto run = HWY_DYNAMIC_DISPATCH(tree_gradient);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < tasks; ++i)
    run(f, trees[i / shape.kv_heads], i % shape.kv_heads,
        memory + (threads > 1 ? omp_get_thread_num() : 0) * floats);
}

}  // namespace cohort
#endif
