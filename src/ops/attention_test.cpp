// Attention against a plain reference in double.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/attention_test_support.h"

namespace cohort {
namespace {

using namespace attention_test;

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
        const int32_t first = s.window > 0 ? static_cast<int32_t>(std::max<int64_t>(0, t - s.window + 1)) : 0;
        for (int32_t j = 0; j < first; ++j) p[j] = -1e300;
        for (int32_t j = first; j <= t; ++j) {
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

// Catches a wrong reference: its gradient against central differences of its own forward.
TEST(Attention, ReferenceGradientMatchesFiniteDifferences) {
  Random random(1);
  AttentionShape s = shape_of(2, 3, 5);
  s.window = 6;
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

// Catches a wrong scale, mask, window, head mapping, path order, padding of odd head widths, or a wrong gradient.
TEST(Attention, MatchesDoubleReference) {
  Random random(2);
  for (const Case& c : kCases) {
    const AttentionShape s = shape_of(c);
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

}  // namespace
}  // namespace cohort
