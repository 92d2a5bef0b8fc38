#include "ops/swiglu.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

double silu(double z) { return z / (1 + std::exp(-z)); }

double silu_gradient(double z) {
  const double s = 1 / (1 + std::exp(-z));
  return s * (1 + z * (1 - s));
}

struct Case {
  int64_t rows, width;
  std::vector<float> gate_up, d_act, act, d_gate_up;
  Case(int64_t rows, int64_t width)
      : rows(rows),
        width(width),
        gate_up(normal(rows * 2 * width, 1, 3)),
        d_act(normal(rows * width, 2)),
        act(rows * width),
        d_gate_up(rows * 2 * width) {
    // far tails, where exp overflows or vanishes
    const float tails[] = {0.0f, -0.0f, 90.0f, -90.0f, 200.0f, -200.0f, 1e30f, -1e30f};
    for (int64_t i = 0; i < std::min<int64_t>(width, 8); ++i) gate_up[i] = tails[i];
  }
  Tensor in() { return Tensor(gate_up.data(), {rows, 2 * width}); }
  Tensor out() { return Tensor(act.data(), {rows, width}); }
  Tensor grad() { return Tensor(d_act.data(), {rows, width}); }
  Tensor d_in() { return Tensor(d_gate_up.data(), {rows, 2 * width}); }
};

// Catches gate and up swapped, a wrong derivative, NaN in the tails, and columns beyond the last whole vector
// left out.
TEST(Swiglu, MatchesTheReference) {
  for (const int64_t width : {1, 15, 16, 37, 192}) {
    Case c(7, width);
    swiglu_forward(c.in(), c.out());
    swiglu_backward(c.grad(), c.in(), c.d_in());
    for (int64_t r = 0; r < c.rows; ++r)
      for (int64_t i = 0; i < width; ++i) {
        const double gate = c.gate_up[r * 2 * width + i], up = c.gate_up[r * 2 * width + width + i],
                     d = c.d_act[r * width + i];
        const auto near = [](double value, double expected) {
          EXPECT_NEAR(value, expected, 2e-6 * std::fabs(expected) + 1e-7 * 100);
        };
        near(c.act[r * width + i], silu(gate) * up);
        near(c.d_gate_up[r * 2 * width + i], d * up * silu_gradient(gate));
        near(c.d_gate_up[r * 2 * width + width + i], d * silu(gate));
      }
  }
}

// Catches an error in the derivation that kernel and reference share.
TEST(Swiglu, ReferenceGradientIsTheDerivative) {
  for (const double z : {-20.0, -3.0, -0.1, 0.0, 0.7, 4.0, 30.0})
    expect_gradient([](const std::vector<double>& x) { return silu(x[0]); }, {z}, {silu_gradient(z)});
}

TEST(Swiglu,
     SameBitsEverywhere) {  // catches an exp that differs by vector width, and tails computed another way
  expect_same_bits_everywhere([] {
    Case c(64, 333);
    swiglu_forward(c.in(), c.out());
    swiglu_backward(c.grad(), c.in(), c.in());  // in place
    c.act.insert(c.act.end(), c.gate_up.begin(), c.gate_up.end());
    return c.act;
  });
}

TEST(Swiglu, BackwardMayOverwriteItsInput) {  // catches reading what was just written
  Case c(5, 50);
  swiglu_backward(c.grad(), c.in(), c.d_in());
  swiglu_backward(c.grad(), c.in(), c.in());
  EXPECT_TRUE(same_bits(c.gate_up, c.d_gate_up));
}

}  // namespace
}  // namespace cohort
