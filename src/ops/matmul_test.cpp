#include "ops/matmul.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "ops/swiglu.h"

namespace cohort {
namespace {

using Floats = std::vector<float>;

// Values whose products and sums round: a changed order of additions shows.
Floats random(int64_t count, uint64_t seed) {
  Floats values(static_cast<size_t>(count));
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& v : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<float>(static_cast<int32_t>(state >> 32)) * 0x1p-31f;
  }
  return values;
}

Tensor view(const Floats& v, int64_t rows, int64_t cols) {
  return Tensor(const_cast<float*>(v.data()), {rows, cols});
}
Tensor view(const Floats& v) {
  return Tensor(const_cast<float*>(v.data()), {static_cast<int64_t>(v.size())});
}

bool same(const Floats& a, const Floats& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// The contract of matmul.h, read literally. `fused` false is the deliberate fault.
template <class A, class B>
float blocked_chain(int64_t k, A a, B b, bool fused = true) {
  float sum = 0;
  for (int64_t begin = 0; begin < k; begin += 256) {
    float block = 0;
    for (int64_t j = begin; j < std::min(k, begin + 256); ++j) {
      block = fused ? std::fma(a(j), b(j), block) : block + a(j) * b(j);
    }
    sum = begin == 0 ? block : sum + block;
  }
  return sum;
}

Floats forward_reference(const Floats& x, const Floats& w, int64_t m, int64_t n, int64_t k,
                         bool fused = true) {
  Floats y(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t o = 0; o < n; ++o) {
      y[i * n + o] = blocked_chain(
          k, [&](int64_t j) { return x[i * k + j]; }, [&](int64_t j) { return w[o * k + j]; }, fused);
    }
  }
  return y;
}

Floats dx_reference(const Floats& dy, const Floats& w, int64_t m, int64_t n, int64_t k) {
  Floats dx(static_cast<size_t>(m * k));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t c = 0; c < k; ++c) {
      dx[i * k + c] = blocked_chain(
          n, [&](int64_t j) { return dy[i * n + j]; }, [&](int64_t j) { return w[j * k + c]; });
    }
  }
  return dx;
}

// Rows of a tensor put in two parts, the later one first.
GradientOperand operand(GradientOperand::Side side, const Tensor& t) {
  GradientOperand o;
  o.reset(side, t.rows(), t.cols());
  const int64_t half = t.rows() / 2;
  if (half < t.rows()) o.put(half, t.slice(half, t.rows()));
  if (half > 0) o.put(0, t.slice(0, half));
  return o;
}

void dw_reference(const Floats& dy, const Floats& x, int64_t m, int64_t n, int64_t k, Floats& dw) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t o = 0; o < n; ++o) {
      for (int64_t c = 0; c < k; ++c) dw[o * k + c] = std::fma(dy[i * n + o], x[i * k + c], dw[o * k + c]);
    }
  }
}

Floats run_matmul(const Floats& x, const Floats& w, int64_t m, int64_t n, int64_t k, const Floats& bias = {},
                  const Floats& residual = {}) {
  PackedWeight packed;
  packed.pack(view(w, n, k));
  Floats y(static_cast<size_t>(m * n), std::numeric_limits<float>::quiet_NaN());
  matmul(view(x, m, k), packed, bias.empty() ? Tensor() : view(bias),
         residual.empty() ? Tensor() : view(residual, m, n), view(y, m, n));
  return y;
}

struct Shape {
  int64_t m, n, k;
};

// Every row count that has its own kernel, the 256-blocks' edges, columns that do not fill a panel, and sizes
// that make several tasks.
std::vector<Shape> shapes() {
  std::vector<Shape> list = {{0, 5, 7},       {3, 0, 7},     {3, 5, 0},      {1, 1, 1},      {1, 64, 300},
                             {2, 33, 255},    {3, 96, 256},  {3, 200, 257},  {4, 31, 511},   {5, 160, 512},
                             {16, 128, 513},  {29, 65, 64},  {170, 130, 33}, {345, 37, 300}, {61, 515, 260},
                             {64, 256, 1025}, {2, 1030, 40}, {15, 32, 769}};
  for (int64_t m = 1; m <= 15; ++m) list.push_back({m, 40, 70});
  uint64_t state = 12345;
  const auto draw = [&](int64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(bound));
  };
  for (int i = 0; i < 25; ++i) list.push_back({1 + draw(200), 1 + draw(150), 1 + draw(600)});
  return list;
}

// Restores threads and targets whatever a test did.
class Matmul : public ::testing::Test {
 protected:
  void TearDown() override {
    omp_set_num_threads(threads_);
    use_target(0);
  }
  static void use_target(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  // Runs `body` on every instruction set that this machine has.
  template <class F>
  static void each_target(F&& body) {
    use_target(0);
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      SCOPED_TRACE(hwy::TargetName(target));
      use_target(target);
      body();
    }
    use_target(0);
  }
  const int threads_ = omp_get_max_threads();
};

// Catches any other order of additions, unfused products, wrong indices at the edges of tiles, panels and
// blocks, and a vector width or thread count that changes a bit.
TEST_F(Matmul, ForwardHasTheBitsOfTheContract) {
  for (const auto& [m, n, k] : shapes()) {
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
    const Floats x = random(m * k, 1), w = random(n * k, 2);
    const Floats expected = forward_reference(x, w, m, n, k);
    each_target([&, m = m, n = n, k = k] {
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        EXPECT_TRUE(same(run_matmul(x, w, m, n, k), expected)) << threads << " threads";
      }
    });
  }
}

// The same faults in the input gradient, and a gradient that is added before its sum is finished.
TEST_F(Matmul, InputGradientHasTheBitsOfTheContract) {
  for (const auto& [m, n, k] : shapes()) {
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
    const Floats dy = random(m * n, 3), w = random(n * k, 4), start = random(m * k, 5);
    const Floats expected = dx_reference(dy, w, m, n, k);
    Floats accumulated = start;
    for (size_t i = 0; i < start.size(); ++i) accumulated[i] += expected[i];
    each_target([&, m = m, n = n, k = k] {
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        Floats dx(start.size(), std::numeric_limits<float>::quiet_NaN());
        matmul_dx(view(dy, m, n), view(w, n, k), view(dx, m, k));
        EXPECT_TRUE(same(dx, expected)) << threads << " threads";
        dx = start;
        matmul_dx(view(dy, m, n), view(w, n, k), view(dx, m, k), true);
        EXPECT_TRUE(same(dx, accumulated)) << threads << " threads, accumulated";
        PackedWeight transposed;
        transposed.pack_transpose(view(w, n, k));
        std::fill(dx.begin(), dx.end(), 0.0f);
        const int64_t first = m / 3;  // rows of an operand that does not begin with them
        matmul(operand(GradientOperand::Side::dy, view(dy, m, n)), first, transposed,
               view(dx, m, k).slice(first, m));
        EXPECT_TRUE(std::equal(dx.begin() + first * k, dx.end(), expected.begin() + first * k))
            << threads << " threads, from an operand";
      }
    });
  }
}

// The same faults in the weight gradient; a chain that is cut anywhere must have the bits of one that is not.
TEST_F(Matmul, WeightGradientContinuesItsChain) {
  for (const auto& [n, k, m] : shapes()) {  // the chain runs over m
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
    const Floats dy = random(m * n, 6), x = random(m * k, 7), start = random(n * k, 8);
    Floats expected = start;
    dw_reference(dy, x, m, n, k, expected);
    each_target([&, m = m, n = n, k = k] {
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        for (const int64_t cut : {int64_t{0}, m / 3, m / 2 + 1}) {
          if (cut > m) continue;
          Floats dw = start;
          const Tensor dy_view = view(dy, m, n), x_view = view(x, m, k);
          if (cut > 0) matmul_dw(dy_view.slice(0, cut), x_view.slice(0, cut), view(dw, n, k));
          matmul_dw(dy_view.slice(cut, m), x_view.slice(cut, m), view(dw, n, k));
          EXPECT_TRUE(same(dw, expected)) << threads << " threads, cut at " << cut;
          dw = start;
          for (const auto& [begin, end] : {std::pair(int64_t{0}, cut), std::pair(cut, m)})
            if (begin < end)
              matmul_dw(operand(GradientOperand::Side::dy, dy_view.slice(begin, end)),
                        operand(GradientOperand::Side::x, x_view.slice(begin, end)), view(dw, n, k));
          EXPECT_TRUE(same(dw, expected)) << "operands, " << threads << " threads, cut at " << cut;
        }
      }
    });
  }
}

// Shows that the comparisons above can fail: one rounding more per step, or one chain over all of k, has
// other bits.
TEST_F(Matmul, AnotherRoundingOrOrderIsNoticed) {
  const int64_t m = 4, n = 40, k = 300;
  const Floats x = random(m * k, 1), w = random(n * k, 2), y = run_matmul(x, w, m, n, k);
  EXPECT_FALSE(same(y, forward_reference(x, w, m, n, k, false)));
  Floats plain(static_cast<size_t>(n * m), 0.0f);
  Floats wt(static_cast<size_t>(k * m)), xt(static_cast<size_t>(k * n));
  for (int64_t j = 0; j < k; ++j) {
    for (int64_t i = 0; i < m; ++i) wt[j * m + i] = x[i * k + j];
    for (int64_t i = 0; i < n; ++i) xt[j * n + i] = w[i * k + j];
  }
  dw_reference(wt, xt, k, m, n, plain);
  EXPECT_FALSE(same(y, plain));
}

// Catches an epilogue that adds in another order or before the last block, and one that reads a residual
// which it has already overwritten.
TEST_F(Matmul, BiasAndResidualEqualSeparatePasses) {
  for (const auto& [m, n, k] : shapes()) {
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
    const Floats x = random(m * k, 1), w = random(n * k, 2), bias = random(n, 9),
                 residual = random(m * n, 10);
    const Floats product = run_matmul(x, w, m, n, k);
    Floats with_bias = product, with_both = product, with_residual = product;
    for (int64_t i = 0; i < m * n; ++i) {
      with_bias[i] += bias[i % n];
      with_both[i] = with_bias[i] + residual[i];
      with_residual[i] += residual[i];
    }
    EXPECT_TRUE(same(run_matmul(x, w, m, n, k, bias), with_bias));
    EXPECT_TRUE(same(run_matmul(x, w, m, n, k, bias, residual), with_both));
    EXPECT_TRUE(same(run_matmul(x, w, m, n, k, {}, residual), with_residual));
    PackedWeight packed;
    packed.pack(view(w, n, k));
    Floats in_place = residual;
    matmul(view(x, m, k), packed, n ? view(bias) : Tensor(), view(in_place, m, n), view(in_place, m, n));
    EXPECT_TRUE(same(in_place, with_both)) << "in place";
  }
}

// Catches gate and up of different columns, an activation of unfinished sums, and rollout's path (no gate_up)
// diverging from training's.
TEST_F(Matmul, SwigluEqualsSeparatePasses) {
  for (const auto& [m, f, k] : std::vector<Shape>{{1, 64, 300},
                                                  {2, 160, 40},
                                                  {5, 32, 256},
                                                  {7, 33, 70},
                                                  {40, 96, 513},
                                                  {200, 64, 300},
                                                  {3, 1, 5},
                                                  {70, 100, 257},
                                                  {0, 32, 8},
                                                  {400, 640, 64}}) {
    SCOPED_TRACE(testing::Message() << m << " x " << f << " x " << k);
    Floats x = random(m * k, 11), w = random(2 * f * k, 12);
    for (float& v : x) v *= 8;  // far into both tails of the sigmoid
    const Floats product = run_matmul(x, w, m, 2 * f, k);
    Floats expected(static_cast<size_t>(m * f));
    swiglu_forward(view(product, m, 2 * f), view(expected, m, f));
    PackedWeight packed;
    packed.pack(view(w, 2 * f, k));
    each_target([&, m = m, f = f, k = k] {
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        const float nan = std::numeric_limits<float>::quiet_NaN();
        Floats gate_up(product.size(), nan), act(expected.size(), nan), alone(expected.size(), nan);
        matmul_swiglu(view(x, m, k), packed, view(gate_up, m, 2 * f), view(act, m, f));
        EXPECT_TRUE(same(gate_up, product));
        EXPECT_TRUE(same(act, expected));
        matmul_swiglu(view(x, m, k), packed, Tensor(), view(alone, m, f));
        EXPECT_TRUE(same(alone, expected));
      }
    });
  }
}

// Catches a row whose bits depend on how many rows are computed with it.
TEST_F(Matmul, RowsDoNotDependOnTheirNumber) {
  const int64_t m = 230, n = 70, k = 400;
  const Floats x = random(m * k, 1), w = random(n * k, 2), all = run_matmul(x, w, m, n, k);
  for (int64_t rows = 1; rows < m; rows += rows < 32 ? 1 : 17) {
    const int64_t first = (rows * 7) % (m - rows);
    const Floats some =
        run_matmul(Floats(x.begin() + first * k, x.begin() + (first + rows) * k), w, rows, n, k);
    EXPECT_TRUE(same(some, Floats(all.begin() + first * n, all.begin() + (first + rows) * n)))
        << rows << " rows";
  }
}

// Catches a row, column or padding that leaks into another: NaN in one row of x or w may reach only its row
// or column.
TEST_F(Matmul, NanStaysInItsRow) {
  const int64_t m = 31, n = 67, k = 280;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Floats x = random(m * k, 1), w = random(n * k, 2), clean = run_matmul(x, w, m, n, k);
  for (const int64_t bad : {int64_t{0}, int64_t{9}, m - 1}) {
    Floats dirty = x;
    std::fill_n(dirty.begin() + bad * k, k, nan);
    Floats y = run_matmul(dirty, w, m, n, k);
    for (int64_t j = 0; j < n; ++j) {
      EXPECT_TRUE(std::isnan(y[bad * n + j]));
      y[bad * n + j] = clean[bad * n + j];
    }
    EXPECT_TRUE(same(y, clean));
  }
  Floats dirty = w;
  std::fill_n(dirty.begin() + (n - 1) * k, k, nan);
  Floats y = run_matmul(x, dirty, m, n, k);
  for (int64_t i = 0; i < m; ++i) {
    EXPECT_TRUE(std::isnan(y[i * n + n - 1]));
    y[i * n + n - 1] = clean[i * n + n - 1];
  }
  EXPECT_TRUE(same(y, clean));
}

// Callers that shard rows over threads themselves call from inside a parallel region: catches shared
// workspaces.
TEST_F(Matmul, ManyCallersAtOnce) {
  const int64_t m = 640, n = 160, k = 600, step = 40;
  const Floats x = random(m * k, 1), w = random(n * k, 2), residual = random(m * n, 3);
  const Floats expected = run_matmul(x, w, m, n, k, {}, residual);
  PackedWeight packed;
  packed.pack(view(w, n, k));
  omp_set_num_threads(4);
  for (int round = 0; round < 40; ++round) {
    Floats y = residual;
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < m; i += step) {
      const Tensor rows = view(y, m, n).slice(i, i + step);
      matmul(view(x, m, k).slice(i, i + step), packed, Tensor(), rows, rows);
    }
    EXPECT_TRUE(same(y, expected));
  }
}

// Catches a weight that keeps values of an earlier, larger or differently shaped one.
TEST_F(Matmul, PackedWeightCanBePackedAgain) {
  PackedWeight packed;
  for (const auto& [m, n, k] : std::vector<Shape>{{3, 64, 100}, {3, 33, 70}, {3, 90, 300}, {3, 90, 300}}) {
    const Floats x = random(m * k, 1), w = random(n * k, static_cast<uint64_t>(n + k));
    packed.pack(view(w, n, k));
    Floats y(static_cast<size_t>(m * n));
    matmul(view(x, m, k), packed, Tensor(), Tensor(), view(y, m, n));
    EXPECT_TRUE(same(y, forward_reference(x, w, m, n, k)));
  }
}

// Catches another order of additions over the rows, and columns at the edges of strips.
TEST_F(Matmul, ColumnSumsContinueTheirChain) {
  for (const auto& [m, n, unused] : shapes()) {
    const Floats dy = random(m * n, 13), start = random(n, 14);
    Floats expected = start;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) expected[j] += dy[i * n + j];
    }
    if (n == 0) continue;
    each_target([&, m = m, n = n] {
      for (const int threads : {1, 2, 4}) {
        omp_set_num_threads(threads);
        Floats db = start;
        const Tensor rows = view(dy, m, n);
        if (m >= 3) column_sums(operand(GradientOperand::Side::dy, rows.slice(0, m / 3)), view(db));
        column_sums(operand(GradientOperand::Side::dy, rows.slice(m / 3, m)), view(db));
        EXPECT_TRUE(same(db, expected)) << m << " x " << n;
      }
    });
  }
}

// Catches silent reading beyond a tensor: each mismatch is an error that says what was expected.
TEST_F(Matmul, ShapesAreChecked) {
  const Floats x = random(12, 1), w = random(20, 2), y = random(15, 3);
  PackedWeight packed;
  packed.pack(view(w, 5, 4));
  EXPECT_THROW(matmul(view(x, 4, 3), packed, Tensor(), Tensor(), view(y, 3, 5)), Error);
  EXPECT_THROW(matmul(view(x, 3, 4), packed, Tensor(), Tensor(), view(y, 5, 3)), Error);
  EXPECT_THROW(matmul(view(x, 3, 4), packed, view(x), Tensor(), view(y, 3, 5)), Error);
  EXPECT_THROW(matmul(view(x, 3, 4), packed, Tensor(), view(x, 3, 4), view(y, 3, 5)), Error);
  EXPECT_THROW(matmul_swiglu(view(x, 3, 4), packed, Tensor(), view(y, 3, 5)), Error);
  EXPECT_THROW(matmul_dx(view(y, 3, 5), view(w, 4, 5), view(x, 3, 4)), Error);
  EXPECT_THROW(matmul_dw(view(y, 3, 5), view(x, 4, 3), view(w, 5, 4)), Error);
  const GradientOperand dy = operand(GradientOperand::Side::dy, view(y, 3, 5));
  EXPECT_THROW(column_sums(dy, view(x)), Error);
  EXPECT_THROW(matmul_dw(dy, operand(GradientOperand::Side::x, view(x, 4, 3)), view(w, 5, 4)), Error);
  EXPECT_THROW(matmul(dy, 1, packed, view(y, 3, 5)), Error);
}

}  // namespace
}  // namespace cohort
