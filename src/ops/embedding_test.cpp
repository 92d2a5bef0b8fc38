#include "ops/embedding.h"

#include "ops/op_test.h"

namespace cohort {
namespace {

// Catches a wrong row, or gradients of a repeated token that overwrite one another or leave the order of the
// rows.
TEST(Embedding, LooksUpAndAddsInOrder) {
  constexpr int64_t vocab = 11, width = 130, rows = 300;
  std::vector<float> table = normal(vocab * width, 1), x(rows * width), dx = normal(rows * width, 2);
  std::vector<int32_t> tokens(rows);
  for (int64_t i = 0; i < rows; ++i) tokens[i] = static_cast<int32_t>(i * i % vocab);
  embedding_forward(Tensor(table.data(), {vocab, width}), tokens, Tensor(x.data(), {rows, width}));
  std::vector<float> expected = normal(vocab * width, 3), start = expected;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < width; ++j) {
      ASSERT_EQ(x[i * width + j], table[tokens[i] * width + j]);
      expected[tokens[i] * width + j] += dx[i * width + j];
    }
  expect_same_bits_everywhere([&] {
    std::vector<float> d = start;
    embedding_backward(Tensor(dx.data(), {rows, width}), tokens, Tensor(d.data(), {vocab, width}));
    EXPECT_TRUE(same_bits(d, expected));
    return d;
  });
}

// Catches a read outside the table for ids that no vocabulary holds.
TEST(Embedding, RefusesIdsOutsideTheTable) {
  std::vector<float> table(4), x(2);
  for (const int32_t bad : {-1, 2}) {
    const int32_t tokens[1] = {bad};
    EXPECT_THROW(embedding_forward(Tensor(table.data(), {2, 2}), tokens, Tensor(x.data(), {1, 2})), Error);
    EXPECT_THROW(embedding_backward(Tensor(x.data(), {1, 2}), tokens, Tensor(table.data(), {2, 2})), Error);
  }
}

}  // namespace
}  // namespace cohort
