// What the tests of attention share: random trees, a run of forward and backward, comparisons.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "ops/attention.h"

namespace cohort::attention_test {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

struct Random {
  std::mt19937 engine;
  explicit Random(uint32_t seed) : engine(seed) {}
  int below(int n) { return static_cast<int>(engine() % static_cast<uint32_t>(n)); }
  Floats floats(int64_t n, float size) {
    Floats v(static_cast<size_t>(n));
    for (float& x : v) x = size * (static_cast<float>(engine() >> 8) / 8388608.0f - 1.0f);
    return v;
  }
};

struct Case {
  int64_t kv_heads, group, head_dim, window;
};
inline constexpr Case kCases[] = {{2, 1, 8, 0},  {1, 3, 16, 0}, {2, 8, 20, 0},  {1, 1, 32, 0},  {2, 3, 64, 0},  {1, 8, 80, 0},
                                  {1, 3, 128, 0}, {2, 1, 8, 2}, {1, 3, 16, 16}, {2, 8, 20, 37}, {1, 1, 32, 3}, {1, 8, 80, 70}};

inline AttentionShape shape_of(const Case& c) {
  return {c.kv_heads * c.group, c.kv_heads, c.head_dim, 1.0f / std::sqrt(static_cast<float>(c.head_dim)), c.window};
}
inline AttentionShape shape_of(int64_t kv_heads, int64_t group, int64_t head_dim) {
  return shape_of({kv_heads, group, head_dim, 0});
}

// `trees` trees of depth 1 to 3; segments may be empty or of one token, or cross a block of 32.
inline TokenTree random_forest(Random& random, int trees) {
  TokenTree tree;
  const auto segment = [&](int32_t parent) {
    const int lengths[] = {0, 1, 2, 7, 31, 32, 33, 50, 70};
    return tree.add(parent, std::vector<int32_t>(static_cast<size_t>(lengths[random.below(9)])));
  };
  for (int t = 0; t < trees; ++t) {
    const int32_t root = segment(-1);
    const int depth = 1 + random.below(3);
    if (depth == 1) continue;
    for (int i = 1 + random.below(4); i > 0; --i) {
      const int32_t child = segment(root);
      if (depth == 3)
        for (int j = random.below(3); j > 0; --j) segment(child);
    }
  }
  if (tree.size() == 0) tree.add(-1, std::vector<int32_t>(5));
  return tree;
}

inline std::vector<int32_t> path_rows(const TokenTree& tree, int32_t segment) {
  std::vector<int32_t> rows;
  if (segment < 0) return rows;
  rows = path_rows(tree, tree.segments[segment].parent);
  for (int32_t r = tree.segments[segment].begin; r < tree.segments[segment].end; ++r) rows.push_back(r);
  return rows;
}

// ---- The engine's attention
// ---------------------------------------------------------------------------------------

struct Result {
  Floats out, lse, d_qkv;
};

inline Tensor view(Floats& v, int64_t rows) {
  return v.empty() ? Tensor(v.data(), {0, 1})
                   : Tensor(v.data(), {rows, static_cast<int64_t>(v.size()) / rows});
}

inline Buffer nan_store(const AttentionShape& s, int64_t blocks) {
  Buffer store(blocks * kv_block_floats(s));
  std::fill(store.data(), store.data() + store.size(), std::numeric_limits<float>::quiet_NaN());
  return store;
}

// Forward, and backward where d_out is given. The cache starts as NaN.
inline Result run(const AttentionShape& s, const TokenTree& tree, Floats& qkv, Floats* d_out = nullptr) {
  const int64_t n = tree.size();
  int64_t blocks = 0;
  const AttentionBatch batch = attention_batch(tree, &blocks);
  Buffer memory = nan_store(s, blocks);
  const KvStore store{memory.data(), kv_block_floats(s)};
  Result r{
      Floats(static_cast<size_t>(n * s.heads * s.head_dim)), Floats(static_cast<size_t>(n * s.heads)), {}};
  kv_write(s, view(qkv, n), batch.slots, store);
  attention_forward(s, view(qkv, n), batch, store, view(r.out, n), view(r.lse, n));
  if (d_out) {
    r.d_qkv.assign(qkv.size(), std::numeric_limits<float>::quiet_NaN());
    attention_backward(s, tree, view(qkv, n), view(r.out, n), view(r.lse, n), view(*d_out, n),
                       view(r.d_qkv, n));
  }
  return r;
}

inline bool same_bits(const float* a, const float* b, size_t n) {
  return std::memcmp(a, b, n * sizeof(float)) == 0;
}
inline bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), a.size());
}

// || a - b || / || b || over columns [begin, end) of rows of `width`.
inline double distance(const Floats& a, const Doubles& b, int64_t width, int64_t begin, int64_t end) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t column = static_cast<int64_t>(i) % width;
    if (column < begin || column >= end) continue;
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / (size + 1e-30));
}

}  // namespace cohort::attention_test
