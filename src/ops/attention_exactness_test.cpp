// What attention's bits may not depend on.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "hwy/highway.h"
#include "ops/attention_test_support.h"

namespace cohort {
namespace {

using namespace attention_test;

// Catches any dependence of a row's bits on its siblings, on where segments are cut or on the height of a
// tile; and a gradient that is lost or counted twice where branches share a prompt.
TEST(Attention, TreeEqualsItsPathsAlone) {
  Random random(4);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c);
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
    const AttentionShape s = shape_of(c);
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
        kv_write(s, view(rows, m), batch.slots, store);
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
  kv_write(s, view(qkv, n), batch.slots, store);
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
    const AttentionShape s = shape_of(c);
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
    const AttentionShape s = shape_of(c);
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
