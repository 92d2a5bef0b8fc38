#include "ops/rms_norm.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

constexpr float kEps = 1e-5f;

std::vector<double> reference(const std::vector<double>& x, const std::vector<double>& w, size_t rows) {
  const size_t width = w.size();
  std::vector<double> y(x.size());
  for (size_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (size_t i = 0; i < width; ++i) squares += x[r * width + i] * x[r * width + i];
    const double rstd = 1 / std::sqrt(squares / static_cast<double>(width) + kEps);
    for (size_t i = 0; i < width; ++i) y[r * width + i] = x[r * width + i] * rstd * w[i];
  }
  return y;
}

void reference_backward(const std::vector<double>& dy, const std::vector<double>& x,
                        const std::vector<double>& w, size_t rows, std::vector<double>* dx,
                        std::vector<double>* dw) {
  const size_t width = w.size();
  dx->assign(x.size(), 0);
  dw->assign(width, 0);
  for (size_t r = 0; r < rows; ++r) {
    double squares = 0, dot = 0;
    for (size_t i = 0; i < width; ++i) {
      squares += x[r * width + i] * x[r * width + i];
      dot += dy[r * width + i] * w[i] * x[r * width + i];
    }
    const double n = static_cast<double>(width), rstd = 1 / std::sqrt(squares / n + kEps);
    for (size_t i = 0; i < width; ++i) {
      (*dx)[r * width + i] =
          rstd * dy[r * width + i] * w[i] - x[r * width + i] * rstd * rstd * rstd * dot / n;
      (*dw)[i] += dy[r * width + i] * x[r * width + i] * rstd;
    }
  }
}

struct Case {
  int64_t rows, width;
  std::vector<float> x, w, dy, y, rstd, dx, dw;
  Case(int64_t rows, int64_t width)
      : rows(rows),
        width(width),
        x(normal(rows * width, 1, 2)),
        w(normal(width, 2)),
        dy(normal(rows * width, 3)),
        y(x.size()),
        rstd(rows),
        dx(x.size()),
        dw(width) {}
  Tensor t(std::vector<float>& v) { return Tensor(v.data(), {rows, width}); }
  Tensor line(std::vector<float>& v) { return Tensor(v.data(), {static_cast<int64_t>(v.size())}); }
  void forward() { rms_norm_forward(t(x), line(w), kEps, t(y), line(rstd)); }
  void backward() { rms_norm_backward(t(dy), t(x), line(w), line(rstd), t(dx), false, line(dw)); }
};

// Catches a wrong formula or a tail of the width left out (widths that are not multiples of 16).
TEST(RmsNorm, MatchesTheReference) {
  for (const int64_t width : {1, 7, 16, 37, 64, 576}) {
    Case c(5, width);
    c.forward();
    c.backward();
    std::vector<double> dx, dw;
    reference_backward(doubles(c.dy), doubles(c.x), doubles(c.w), 5, &dx, &dw);
    EXPECT_LT(relative_error(c.y, reference(doubles(c.x), doubles(c.w), 5)), 3e-7) << width;
    if (width > 1) {
      EXPECT_LT(relative_error(c.dx, dx), 1e-6) << width;
    }
    EXPECT_LT(relative_error(c.dw, dw), 5e-7) << width;
  }
}

// Catches an error in the derivation that kernel and reference share.
TEST(RmsNorm, ReferenceGradientIsTheDerivative) {
  Case c(2, 9);
  std::vector<double> dx, dw;
  reference_backward(doubles(c.dy), doubles(c.x), doubles(c.w), 2, &dx, &dw);
  const auto objective = [&](const std::vector<double>& y) {
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += y[i] * c.dy[i];
    return sum;
  };
  expect_gradient([&](const std::vector<double>& x) { return objective(reference(x, doubles(c.w), 2)); },
                  doubles(c.x), dx);
  expect_gradient([&](const std::vector<double>& w) { return objective(reference(doubles(c.x), w, 2)); },
                  doubles(c.w), dw);
}

// Catches a reduction that follows the vector width or the team.
TEST(RmsNorm, SameBitsEverywhere) {
  expect_same_bits_everywhere([] {
    Case c(200, 331);
    c.forward();
    c.backward();
    c.y.insert(c.y.end(), c.dx.begin(), c.dx.end());
    c.y.insert(c.y.end(), c.dw.begin(), c.dw.end());
    return c.y;
  });
}

// Catches weight gradients that are summed apart and added (bits would depend on the micro-batch), rows that
// see one another, and in-place use that reads what it overwrote.
TEST(RmsNorm, RowsMayBeCutAnywhereAndBuffersShared) {
  Case whole(50, 70), cut(50, 70);
  whole.forward();
  whole.backward();
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 30}, {30, 50}}) {
    const Tensor rstd(cut.rstd.data() + begin, {end - begin});
    rms_norm_forward(cut.t(cut.x).slice(begin, end), cut.line(cut.w), kEps, cut.t(cut.y).slice(begin, end),
                     rstd);
    rms_norm_backward(cut.t(cut.dy).slice(begin, end), cut.t(cut.x).slice(begin, end), cut.line(cut.w), rstd,
                      cut.t(cut.dy).slice(begin, end), false, cut.line(cut.dw));
  }
  EXPECT_TRUE(same_bits(whole.y, cut.y));
  EXPECT_TRUE(same_bits(whole.dx, cut.dy));
  EXPECT_TRUE(same_bits(whole.dw, cut.dw));
  rms_norm_forward(cut.t(cut.x), cut.line(cut.w), kEps, cut.t(cut.x), {});
  EXPECT_TRUE(same_bits(whole.y, cut.x));
}

// Catches `accumulate` that overwrites.
TEST(RmsNorm, Accumulates) {
  Case c(3, 20);
  c.forward();
  c.backward();
  std::vector<float> sum = normal(60, 9), before = sum;
  rms_norm_backward(c.t(c.dy), c.t(c.x), c.line(c.w), c.line(c.rstd), c.t(sum), true, c.line(c.dw));
  for (size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(sum[i], before[i] + c.dx[i]);
}

// Catches a wrong column offset, head stride or chain order: the heads must equal rows of a plain norm, and
// columns outside must stay as they are.
TEST(RmsNorm, HeadsAreRows) {
  constexpr int64_t rows = 400, heads = 3, width = 24, first = 5, all = 90;
  std::vector<float> qkv = normal(rows * all, 1), before = qkv, w = normal(width, 2),
                     raw(rows * heads * width), rstd(rows * heads);
  const Tensor weight(w.data(), {width});
  head_norm_forward(Tensor(qkv.data(), {rows, all}), first, heads, weight, kEps,
                    Tensor(raw.data(), {rows, heads * width}), Tensor(rstd.data(), {rows, heads}));
  std::vector<float> d = normal(rows * all, 3), d_before = d, dw(width), plain_y(raw.size()), plain_dw(width);
  head_norm_backward(Tensor(d.data(), {rows, all}), first, heads, weight,
                     Tensor(raw.data(), {rows, heads * width}), Tensor(rstd.data(), {rows, heads}),
                     Tensor(dw.data(), {width}));

  std::vector<float> plain_x(raw.size()), plain_dy(raw.size()), plain_rstd(rstd.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < heads * width; ++j) {
      plain_x[r * heads * width + j] = before[r * all + first + j];
      plain_dy[r * heads * width + j] = d_before[r * all + first + j];
    }
  const auto t = [&](std::vector<float>& v) { return Tensor(v.data(), {rows * heads, width}); };
  const Tensor factors(plain_rstd.data(), {rows * heads});
  rms_norm_forward(t(plain_x), weight, kEps, t(plain_y), factors);
  rms_norm_backward(t(plain_dy), t(plain_x), weight, factors, t(plain_dy), false,
                    Tensor(plain_dw.data(), {width}));
  EXPECT_TRUE(same_bits(raw, plain_x));
  EXPECT_TRUE(same_bits(rstd, plain_rstd));
  EXPECT_TRUE(same_bits(dw, plain_dw));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < all; ++j) {
      const bool inside = j >= first && j < first + heads * width;
      const int64_t k = r * heads * width + j - first;
      ASSERT_EQ(qkv[r * all + j], inside ? plain_y[k] : before[r * all + j]);
      ASSERT_EQ(d[r * all + j], inside ? plain_dy[k] : d_before[r * all + j]);
    }
}

}  // namespace
}  // namespace cohort
