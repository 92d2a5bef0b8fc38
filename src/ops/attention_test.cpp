#include "ops/attention.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "hwy/highway.h"

namespace cohort {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// ---- Inputs
// -------------------------------------------------------------------------------------------------------

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

AttentionShape shape_of(int64_t kv_heads, int64_t group, int64_t head_dim) {
  return {kv_heads * group, kv_heads, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim))};
}

// `trees` trees of depth 1 to 3; segments may be empty or of one token, or cross a block of 32.
TokenTree random_forest(Random& random, int trees) {
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

std::vector<int32_t> path_rows(const TokenTree& tree, int32_t segment) {
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

Tensor view(Floats& v, int64_t rows) {
  return v.empty() ? Tensor(v.data(), {0, 1})
                   : Tensor(v.data(), {rows, static_cast<int64_t>(v.size()) / rows});
}

Buffer nan_store(const AttentionShape& s, int64_t blocks) {
  Buffer store(blocks * kv_block_floats(s));
  std::fill(store.data(), store.data() + store.size(), std::numeric_limits<float>::quiet_NaN());
  return store;
}

// Forward, and backward where d_out is given. The cache starts as NaN.
Result run(const AttentionShape& s, const TokenTree& tree, Floats& qkv, Floats* d_out = nullptr) {
  const int64_t n = tree.size();
  int64_t blocks = 0;
  const AttentionBatch batch = attention_batch(tree, &blocks);
  Buffer memory = nan_store(s, blocks);
  const KvStore store{memory.data(), kv_block_floats(s)};
  Result r{
      Floats(static_cast<size_t>(n * s.heads * s.head_dim)), Floats(static_cast<size_t>(n * s.heads)), {}};
  kv_write(s, view(qkv, n), batch, store);
  attention_forward(s, view(qkv, n), batch, store, view(r.out, n), view(r.lse, n));
  if (d_out) {
    r.d_qkv.assign(qkv.size(), std::numeric_limits<float>::quiet_NaN());
    attention_backward(s, tree, view(qkv, n), view(r.out, n), view(r.lse, n), view(*d_out, n),
                       view(r.d_qkv, n));
  }
  return r;
}

bool same_bits(const float* a, const float* b, size_t n) { return std::memcmp(a, b, n * sizeof(float)) == 0; }
bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), a.size());
}

// ---- A plain reference in double
// ----------------------------------------------------------------------------------

struct Reference {
  Doubles out, lse, d_qkv;
};

Reference reference(const AttentionShape& s, const TokenTree& tree, const Doubles& qkv,
                    const Doubles& d_out) {
  const int64_t n = tree.size(), d = s.head_dim, group = s.heads / s.kv_heads, width = s.qkv_width();
  Reference r{Doubles(static_cast<size_t>(n * s.heads * d)), Doubles(static_cast<size_t>(n * s.heads)),
              Doubles(qkv.size())};
  for (int32_t i = 0; i < static_cast<int32_t>(tree.segments.size()); ++i) {
    const std::vector<int32_t> path = path_rows(tree, i);
    const Segment& segment = tree.segments[i];
    for (int32_t t = segment.position; t < segment.position + segment.length(); ++t)
      for (int64_t h = 0; h < s.heads; ++h) {
        const double* q = &qkv[path[t] * width + h * d];
        const int64_t k_at = (s.heads + h / group) * d, v_at = k_at + s.kv_heads * d;
        Doubles p(static_cast<size_t>(t) + 1);
        double m = -1e300, l = 0;
        for (int32_t j = 0; j <= t; ++j) {
          for (int64_t c = 0; c < d; ++c) p[j] += q[c] * qkv[path[j] * width + k_at + c];
          p[j] *= s.scale;
          m = std::max(m, p[j]);
        }
        for (double& x : p) l += x = std::exp(x - m);
        double* o = &r.out[(path[t] * s.heads + h) * d];
        const double* d_o = &d_out[(path[t] * s.heads + h) * d];
        double delta = 0;
        for (int32_t j = 0; j <= t; ++j) {
          p[j] /= l;
          for (int64_t c = 0; c < d; ++c) o[c] += p[j] * qkv[path[j] * width + v_at + c];
        }
        for (int64_t c = 0; c < d; ++c) delta += o[c] * d_o[c];
        r.lse[path[t] * s.heads + h] = m + std::log(l);
        for (int32_t j = 0; j <= t; ++j) {
          double d_p = 0;
          for (int64_t c = 0; c < d; ++c) d_p += d_o[c] * qkv[path[j] * width + v_at + c];
          const double d_s = p[j] * (d_p - delta) * s.scale;
          for (int64_t c = 0; c < d; ++c) {
            r.d_qkv[path[t] * width + h * d + c] += d_s * qkv[path[j] * width + k_at + c];
            r.d_qkv[path[j] * width + k_at + c] += d_s * q[c];
            r.d_qkv[path[j] * width + v_at + c] += p[j] * d_o[c];
          }
        }
      }
  }
  return r;
}

Doubles doubles(const Floats& v) { return {v.begin(), v.end()}; }

// || a - b || / || b || over columns [begin, end) of rows of `width`.
double distance(const Floats& a, const Doubles& b, int64_t width, int64_t begin, int64_t end) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t column = static_cast<int64_t>(i) % width;
    if (column < begin || column >= end) continue;
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / (size + 1e-30));
}

struct Case {
  int64_t kv_heads, group, head_dim;
};
constexpr Case kCases[] = {{2, 1, 8},  {1, 3, 16}, {2, 8, 20}, {1, 1, 32},
                           {2, 3, 64}, {1, 8, 80}, {1, 3, 128}};

// ---- Tests
// --------------------------------------------------------------------------------------------------------

// Catches a wrong reference: its gradient against central differences of its own forward.
TEST(Attention, ReferenceGradientMatchesFiniteDifferences) {
  Random random(1);
  const AttentionShape s = shape_of(2, 3, 5);
  TokenTree tree;
  const std::vector<int32_t> tokens(4);
  const int32_t root = tree.add(-1, tokens);
  tree.add(root, tokens);
  tree.add(root, tokens);
  const int64_t n = tree.size();
  Doubles qkv = doubles(random.floats(n * s.qkv_width(), 1.5f));
  const Doubles d_out = doubles(random.floats(n * s.heads * s.head_dim, 1.0f));
  const Reference r = reference(s, tree, qkv, d_out);
  const auto loss = [&] {
    const Reference x = reference(s, tree, qkv, d_out);
    double sum = 0;
    for (size_t i = 0; i < d_out.size(); ++i) sum += x.out[i] * d_out[i];
    return sum;
  };
  for (size_t i = 0; i < qkv.size(); i += 7) {
    const double old = qkv[i], step = 1e-5;
    qkv[i] = old + step;
    const double above = loss();
    qkv[i] = old - step;
    const double below = loss();
    qkv[i] = old;
    EXPECT_NEAR((above - below) / (2 * step), r.d_qkv[i], 1e-7) << i;
  }
}

// Catches a wrong scale, mask, head mapping, path order, padding of odd head widths, or a wrong gradient.
TEST(Attention, MatchesDoubleReference) {
  Random random(2);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c.kv_heads, c.group, c.head_dim);
    for (int round = 0; round < 3; ++round) {
      const TokenTree tree = random_forest(random, 1 + random.below(3));
      const int64_t n = tree.size(), width = s.qkv_width();
      Floats qkv = random.floats(n * width, 2.0f), d_out = random.floats(n * s.heads * s.head_dim, 1.0f);
      const Result got = run(s, tree, qkv, &d_out);
      const Reference want = reference(s, tree, doubles(qkv), doubles(d_out));
      for (size_t i = 0; i < got.out.size(); ++i)
        ASSERT_NEAR(got.out[i], want.out[i], 1e-5) << c.head_dim << " " << i;
      for (size_t i = 0; i < got.lse.size(); ++i)
        ASSERT_NEAR(got.lse[i], want.lse[i], 1e-5) << c.head_dim << " " << i;
      const int64_t k_at = s.heads * s.head_dim, v_at = k_at + s.kv_heads * s.head_dim;
      EXPECT_LT(distance(got.d_qkv, want.d_qkv, width, 0, k_at), 1e-5) << c.head_dim;
      EXPECT_LT(distance(got.d_qkv, want.d_qkv, width, k_at, v_at), 1e-5) << c.head_dim;
      EXPECT_LT(distance(got.d_qkv, want.d_qkv, width, v_at, width), 1e-5) << c.head_dim;
    }
  }
}

// Catches overflow or a missing maximum: scores of several hundred, and weights that underflow to zero.
TEST(Attention, LargeScoresStayFinite) {
  Random random(3);
  const AttentionShape s = shape_of(1, 2, 16);
  TokenTree tree;
  tree.add(-1, std::vector<int32_t>(90));
  Floats qkv = random.floats(90 * s.qkv_width(), 20.0f), d_out = random.floats(90 * s.heads * 16, 1.0f);
  const Result got = run(s, tree, qkv, &d_out);
  const Reference want = reference(s, tree, doubles(qkv), doubles(d_out));
  for (size_t i = 0; i < got.out.size(); ++i) ASSERT_NEAR(got.out[i], want.out[i], 2e-2) << i;
  for (const float x : got.d_qkv) ASSERT_TRUE(std::isfinite(x));
}

// Catches any dependence of a row's bits on its siblings, on where segments are cut or on the height of a
// tile; and a gradient that is lost or counted twice where branches share a prompt.
TEST(Attention, TreeEqualsItsPathsAlone) {
  Random random(4);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c.kv_heads, c.group, c.head_dim);
    const TokenTree tree = random_forest(random, 3);
    const int64_t n = tree.size(), width = s.qkv_width(), out_width = s.heads * s.head_dim;
    Floats qkv = random.floats(n * width, 2.0f), d_out = random.floats(n * out_width, 1.0f);
    const Result whole = run(s, tree, qkv, &d_out);
    std::vector<bool> seen(static_cast<size_t>(n));  // rows whose d_out has been counted
    Doubles sum(qkv.size());
    for (int32_t i = 0; i < static_cast<int32_t>(tree.segments.size()); ++i) {
      const std::vector<int32_t> path = path_rows(tree, i);
      const int64_t length = static_cast<int64_t>(path.size());
      if (length == 0) continue;
      TokenTree alone;
      alone.add(-1, std::vector<int32_t>(path.size()));
      Floats part(static_cast<size_t>(length * width)), part_d_out(static_cast<size_t>(length * out_width));
      for (int64_t t = 0; t < length; ++t) {
        std::copy_n(&qkv[path[t] * width], width, &part[t * width]);
        if (!seen[path[t]]) std::copy_n(&d_out[path[t] * out_width], out_width, &part_d_out[t * out_width]);
        seen[path[t]] = true;
      }
      const Result got = run(s, alone, part, &part_d_out);
      for (int64_t t = 0; t < length; ++t) {
        ASSERT_TRUE(same_bits(&got.out[t * out_width], &whole.out[path[t] * out_width], out_width))
            << i << " " << t;
        ASSERT_TRUE(same_bits(&got.lse[t * s.heads], &whole.lse[path[t] * s.heads], s.heads))
            << i << " " << t;
        for (int64_t j = 0; j < width; ++j) sum[path[t] * width + j] += got.d_qkv[t * width + j];
      }
    }
    EXPECT_LT(distance(whole.d_qkv, sum, width, 0, width), 2e-6) << c.head_dim;
  }
}

// Catches bits that depend on how a path reaches the engine: token by token or in chunks, in blocks that are
// cut anywhere, alone or beside others, over a shared prefix or not. Unwritten cache places stay NaN, so any
// use shows.
TEST(Attention, DecodeAndChunkedPrefillEqualTraining) {
  Random random(5);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c.kv_heads, c.group, c.head_dim);
    for (int round = 0; round < 4; ++round) {
      const bool decode_only = round % 2 == 0, short_blocks = round >= 2;
      TokenTree tree = random_forest(random, 2);
      const int32_t root = tree.add(-1, std::vector<int32_t>(45));  // a group that decodes side by side
      for (int i = 0; i < 9; ++i)
        tree.add(root, std::vector<int32_t>(static_cast<size_t>(3 + random.below(4))));
      const int64_t n = tree.size(), width = s.qkv_width(), out_width = s.heads * s.head_dim;
      Floats qkv = random.floats(n * width, 2.0f);
      const Result want = run(s, tree, qkv);

      Buffer memory = nan_store(s, n + 1);
      const KvStore store{memory.data(), kv_block_floats(s)};
      std::vector<std::vector<KvRun>> runs(tree.segments.size());
      std::vector<int32_t> done(tree.segments.size());
      int32_t next_block = 0;
      int64_t left = n;
      while (left > 0) {
        AttentionBatch batch;
        Floats rows;
        std::vector<int32_t> which;
        for (size_t i = 0; i < tree.segments.size(); ++i) {
          const Segment& segment = tree.segments[i];
          bool ready = done[i] < segment.length() && random.below(4) > 0;
          for (int32_t a = segment.parent; a >= 0; a = tree.segments[a].parent)
            ready = ready && done[a] == tree.segments[a].length();
          if (!ready) continue;
          const bool prompt = segment.parent < 0 || !decode_only;
          const int32_t count =
              std::min(segment.length() - done[i], prompt ? 1 + static_cast<int32_t>(random.below(40)) : 1);
          QuerySpan span{static_cast<int32_t>(which.size()), count, segment.position + done[i], 0, 0};
          for (int32_t j = 0; j < count; ++j) {
            if (runs[i].empty() || runs[i].back().count == kKvBlock || (short_blocks && random.below(8) == 0))
              runs[i].push_back({next_block++, 0});
            batch.slots.push_back({runs[i].back().block, runs[i].back().count++});
            const int32_t row = segment.begin + done[i]++;
            which.push_back(row);
            rows.insert(rows.end(), &qkv[row * width], &qkv[(row + 1) * width]);
          }
          span.run_begin = static_cast<int32_t>(batch.runs.size());
          std::vector<int32_t> path;
          for (int32_t a = static_cast<int32_t>(i); a >= 0; a = tree.segments[a].parent)
            path.insert(path.begin(), a);
          for (const int32_t a : path) batch.runs.insert(batch.runs.end(), runs[a].begin(), runs[a].end());
          span.run_end = static_cast<int32_t>(batch.runs.size());
          left -= count;
          if (random.below(3) > 0) {
            batch.spans.push_back(span);
            continue;
          }
          for (int32_t j = 0; j < count;
               ++j)  // the same rows as spans of their own: their common runs reach too far
            batch.spans.push_back({span.row + j, 1, span.position + j, span.run_begin, span.run_end});
        }
        if (which.empty()) continue;
        if (random.below(3) == 0) std::shuffle(batch.spans.begin(), batch.spans.end(), random.engine);
        const int64_t m = static_cast<int64_t>(which.size());
        Floats out(static_cast<size_t>(m * out_width)), lse(static_cast<size_t>(m * s.heads));
        kv_write(s, view(rows, m), batch, store);
        attention_forward(s, view(rows, m), batch, store, view(out, m), view(lse, m));
        for (int64_t j = 0; j < m; ++j) {
          ASSERT_TRUE(same_bits(&out[j * out_width], &want.out[which[j] * out_width], out_width))
              << c.head_dim;
          ASSERT_TRUE(same_bits(&lse[j * s.heads], &want.lse[which[j] * s.heads], s.heads)) << c.head_dim;
        }
      }
    }
  }
}

// Catches reading cache places that are not valid: NaN or zero there must give the same bits, and so must
// leaving out lse.
TEST(Attention, UnusedCachePlacesAndMissingLseChangeNothing) {
  Random random(6);
  const AttentionShape s = shape_of(2, 3, 20);
  const TokenTree tree = random_forest(random, 3);
  const int64_t n = tree.size();
  Floats qkv = random.floats(n * s.qkv_width(), 2.0f), out(static_cast<size_t>(n * s.heads * s.head_dim));
  const Result want = run(s, tree, qkv);
  int64_t blocks = 0;
  const AttentionBatch batch = attention_batch(tree, &blocks);
  Buffer memory(blocks * kv_block_floats(s));
  memory.zero();
  const KvStore store{memory.data(), kv_block_floats(s)};
  kv_write(s, view(qkv, n), batch, store);
  attention_forward(s, view(qkv, n), batch, store, view(out, n), Tensor());
  EXPECT_TRUE(same_bits(out, want.out));
  for (const float x : out) ASSERT_TRUE(std::isfinite(x));
}

// Catches a reduction or a sum whose order depends on the thread count or on the vector width.
TEST(Attention, ThreadsAndInstructionSetsGiveTheSameBits) {
  Random random(7);
  const int threads_before = omp_get_max_threads();
  int compared = 0;
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c.kv_heads, c.group, c.head_dim);
    const TokenTree tree = random_forest(random, 4);
    const int64_t n = tree.size();
    // The second input makes weights underflow, where the sign of a zero could tell tile sizes apart.
    for (const float size : {2.0f, 25.0f}) {
      Floats qkv = random.floats(n * s.qkv_width(), size),
             d_out = random.floats(n * s.heads * s.head_dim, 1.0f);
      const Result want = run(s, tree, qkv, &d_out);
      for (const auto target : hwy::SupportedAndGeneratedTargets())
        for (const int threads : {1, 2, 4}) {
          hwy::SetSupportedTargetsForTest(target);
          hwy::GetChosenTarget().Update(hwy::SupportedTargets());
          omp_set_num_threads(threads);
          const Result got = run(s, tree, qkv, &d_out);
          hwy::SetSupportedTargetsForTest(0);
          hwy::GetChosenTarget().Update(hwy::SupportedTargets());
          EXPECT_TRUE(same_bits(got.out, want.out)) << c.head_dim << " " << hwy::TargetName(target);
          EXPECT_TRUE(same_bits(got.lse, want.lse)) << c.head_dim << " " << hwy::TargetName(target);
          EXPECT_TRUE(same_bits(got.d_qkv, want.d_qkv)) << c.head_dim << " " << hwy::TargetName(target);
          ++compared;
        }
    }
  }
  omp_set_num_threads(threads_before);
  EXPECT_GE(compared, 3 * 2 * 7);
}

// Catches a gradient that depends on the micro-batch: each tree alone, and the whole forest.
TEST(Attention, GradientBitsDoNotDependOnOtherTrees) {
  Random random(8);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c.kv_heads, c.group, c.head_dim);
    const TokenTree forest = random_forest(random, 5);
    const int64_t n = forest.size(), width = s.qkv_width(), out_width = s.heads * s.head_dim;
    Floats qkv = random.floats(n * width, 2.0f), d_out = random.floats(n * out_width, 1.0f);
    const Result whole = run(s, forest, qkv, &d_out);
    for (const auto& [first, last] : whole_tree_batches(forest, 1)) {
      const TokenTree tree = extract_trees(forest, first, last, nullptr);
      const int64_t begin = forest.segments[first].begin, rows = tree.size();
      if (rows == 0) continue;
      Floats part(&qkv[begin * width], &qkv[begin * width] + rows * width);
      Floats part_d_out(&d_out[begin * out_width], &d_out[begin * out_width] + rows * out_width);
      const Result got = run(s, tree, part, &part_d_out);
      EXPECT_TRUE(same_bits(got.d_qkv.data(), &whole.d_qkv[begin * width], got.d_qkv.size())) << c.head_dim;
    }
  }
}

// Catches checks that were dropped: a span that sees more positions than its runs hold must not be computed.
TEST(Attention, RefusesRunsThatAreTooShort) {
  const AttentionShape s = shape_of(1, 1, 8);
  TokenTree tree;
  tree.add(-1, std::vector<int32_t>(40));
  AttentionBatch batch = attention_batch(tree, nullptr);
  batch.spans[0].run_end -= 1;
  Floats qkv(static_cast<size_t>(40 * s.qkv_width())), out(40 * 8);
  EXPECT_THROW(attention_forward(s, view(qkv, 40), batch, {}, view(out, 40), Tensor()), Error);
}

}  // namespace
}  // namespace cohort
