#include "ops/rope.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

RopeTable table_of(int64_t head_dim, int64_t positions) {
  RopeTable table(rope_frequencies(head_dim, 10000, {}));
  table.grow(positions);
  return table;
}

// Catches a wrong exponent, theta or scaling branch. Values from transformers' modeling_rope_utils 4.x
// (float32).
TEST(Rope, FrequenciesAreTransformers) {
  const std::vector<float> plain = rope_frequencies(8, 10000, {});
  const float expected[] = {1.0f, 0.1f, 0.01f, 0.001f};
  for (size_t i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(plain[i], expected[i]);

  RopeScaling linear{.kind = RopeScaling::Kind::linear, .factor = 4};
  EXPECT_FLOAT_EQ(rope_frequencies(8, 10000, linear)[1], 0.025f);

  // Llama 3.1: the first frequencies are kept, the last divided by 8, those between interpolated.
  RopeScaling llama3{.kind = RopeScaling::Kind::llama3,
                     .factor = 8,
                     .low_freq_factor = 1,
                     .high_freq_factor = 4,
                     .original_max_position_embeddings = 8192};
  const std::vector<float> free = rope_frequencies(128, 500000, {}),
                           scaled = rope_frequencies(128, 500000, llama3);
  EXPECT_EQ(scaled[0], free[0]);
  EXPECT_EQ(scaled[63], free[63] / 8);
  int between = 0;
  for (size_t i = 0; i < 64; ++i) {
    const double wavelength = 2 * M_PI / free[i], smooth = (8192 / wavelength - 1) / 3;
    const double expect = wavelength > 8192   ? free[i] / 8.0
                          : wavelength < 2048 ? free[i]
                                              : (1 - smooth) * free[i] / 8 + smooth * free[i];
    EXPECT_NEAR(scaled[i], expect, 2e-7 * expect + 1e-12) << i;
    between += scaled[i] != free[i] && scaled[i] != free[i] / 8;
  }
  EXPECT_GE(between, 5);
}

// Catches a table that is not the cos and sin of the float angle, or that changes when it grows.
TEST(Rope, TableIsCosAndSinOfTheFloatAngle) {
  RopeTable table(rope_frequencies(64, 10000, {}));
  table.grow(10);
  const float early = table.sin(7)[3];
  table.grow(5000);
  EXPECT_EQ(table.positions(), 5000);
  EXPECT_EQ(table.sin(7)[3], early);
  const std::vector<float> f = rope_frequencies(64, 10000, {});
  for (int64_t p = 0; p < 5000; p += 37)
    for (int64_t i = 0; i < 32; ++i) {
      const float angle = static_cast<float>(p) * f[i];
      ASSERT_NEAR(table.cos(p)[i], std::cos(static_cast<double>(angle)), 3.1e-8);
      ASSERT_NEAR(table.sin(p)[i], std::sin(static_cast<double>(angle)), 3.1e-8);
    }
}

// Catches interleaved instead of half-rotated pairs, a wrong sign, position or column.
TEST(Rope, RotatesHalves) {
  constexpr int64_t rows = 3, heads = 2, width = 10, first = 4, all = 30;
  const RopeTable table = table_of(width, 100);
  const std::vector<int32_t> positions = {0, 99, 5};
  std::vector<float> x = normal(rows * all, 1), before = x;
  rope(Tensor(x.data(), {rows, all}), first, heads, positions, table, false);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < all; ++j) {
      const int64_t k = j - first;
      if (k < 0 || k >= heads * width) {
        ASSERT_EQ(x[r * all + j], before[r * all + j]);
        continue;
      }
      const int64_t i = k % width, half = width / 2;
      const double angle = static_cast<float>(positions[r]) * rope_frequencies(width, 10000, {})[i % half];
      const double partner = i < half ? -before[r * all + j + half] : before[r * all + j - half];
      ASSERT_NEAR(x[r * all + j], before[r * all + j] * std::cos(angle) + partner * std::sin(angle), 1e-6);
    }
}

// Catches a backward pass that is not the transposed rotation.
TEST(Rope, BackwardIsTheTranspose) {
  constexpr int64_t rows = 4, width = 16;
  const RopeTable table = table_of(width, 50);
  const std::vector<int32_t> positions = {3, 49, 0, 17};
  std::vector<float> x = normal(rows * width, 1), y = x, dy = normal(rows * width, 2), dx = dy;
  rope(Tensor(y.data(), {rows, width}), 0, 1, positions, table, false);
  rope(Tensor(dx.data(), {rows, width}), 0, 1, positions, table, true);
  double forward = 0, backward = 0;  // <dy, R x> = <R^T dy, x>
  for (int64_t i = 0; i < rows * width; ++i) {
    forward += static_cast<double>(dy[i]) * y[i];
    backward += static_cast<double>(dx[i]) * x[i];
  }
  EXPECT_NEAR(forward, backward, 1e-5);
  rope(Tensor(y.data(), {rows, width}), 0, 1, positions, table, true);
  for (int64_t i = 0; i < rows * width; ++i) EXPECT_NEAR(y[i], x[i], 1e-6);
}

TEST(Rope, SameBitsEverywhere) {  // catches rows shared wrongly among threads
  const RopeTable table = table_of(64, 2000);
  std::vector<int32_t> positions(1000);
  for (int i = 0; i < 1000; ++i) positions[i] = i * 7 % 2000;
  expect_same_bits_everywhere([&] {
    std::vector<float> x = normal(1000 * 128, 1);
    rope(Tensor(x.data(), {1000, 128}), 0, 2, positions, table, false);
    return x;
  });
}

TEST(Rope, RefusesPositionsBeyondTheTable) {  // catches a read outside the table
  const RopeTable table = table_of(4, 8);
  std::vector<float> x(4);
  const std::vector<int32_t> beyond = {8}, negative = {-1};
  EXPECT_THROW(rope(Tensor(x.data(), {1, 4}), 0, 1, beyond, table, false), Error);
  EXPECT_THROW(rope(Tensor(x.data(), {1, 4}), 0, 1, negative, table, false), Error);
}

}  // namespace
}  // namespace cohort
