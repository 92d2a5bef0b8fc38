#include "ops/packed_weight.h"

#include <cstring>

#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/op_test.h"
#include "tensor/quantize.h"

namespace cohort {
namespace {

using Floats = std::vector<float>;

Tensor matrix(const Floats& v, int64_t rows, int64_t cols) {
  return Tensor(const_cast<float*>(v.data()), {rows, cols});
}

// The values that an encoding keeps, by the files' own arithmetic.
Floats kept(const Floats& values, int64_t cols, Encoding encoding) {
  if (encoding == Encoding::f32) return values;
  Floats back(values.size());
  std::string bytes(static_cast<size_t>(encoded_bytes(encoding, cols)), '\0');
  for (size_t row = 0; row < values.size(); row += static_cast<size_t>(cols)) {
    quantize(encoding, {values.data() + row, static_cast<size_t>(cols)}, bytes.data());
    dequantize(encoding, bytes, back.data() + row);
  }
  return back;
}

PackedWeight held(const Floats& w, int64_t n, int64_t k, Encoding encoding) {
  PackedWeight packed;
  packed.reset(n, k, encoding);
  for (int64_t p = packed.panels() - 1; p >= 0; --p)
    packed.put(p, matrix(w, n, k).slice(p * 32, std::min(n, p * 32 + 32)));
  return packed;
}

struct Case {
  int64_t m, n, k;
};
// Rows for one tile, some and many; edges of panels and of blocks of 256; outputs and inputs that fill no panel.
constexpr Case kCases[] = {{1, 64, 96},   {3, 33, 256},  {14, 130, 288},  {5, 130, 288}, {6, 33, 512}, {15, 31, 512},
                           {64, 96, 544}, {170, 290, 64}, {345, 72, 320}, {2, 600, 32}};
constexpr Encoding kEncodings[] = {Encoding::f32, Encoding::bf16, Encoding::q8_0};

// Catches a value that is not the encoding's, one that lands in another place, and products of a held weight
// whose bits are not those of a weight of the same values: forward, with bias and residual, SwiGLU, the input
// gradient from panels, and its transposed copy.
TEST(PackedWeight, HeldWeightsGiveTheBitsOfTheirValues) {
  for (const Encoding encoding : kEncodings)
    for (const auto& [m, n, k] : kCases) {
      SCOPED_TRACE(testing::Message() << encoding_info(encoding).name << " " << m << " x " << n << " x " << k);
      const Floats w = normal(n * k, 1), x = normal(m * k, 2), dy = normal(m * n, 3), bias = normal(n, 4),
                   residual = normal(m * n, 5), values = kept(w, k, encoding);
      const PackedWeight packed = held(w, n, k, encoding);
      PackedWeight plain;
      plain.pack(matrix(values, n, k));
      Floats row(static_cast<size_t>(k));
      for (int64_t i = 0; i < n; ++i) {
        packed.read_row(i, row.data());
        ASSERT_TRUE(std::equal(row.begin(), row.end(), values.begin() + i * k)) << "row " << i;
      }
      const auto products = [&, m = m, n = n, k = k](const PackedWeight& weight, bool from_panels) {
        Floats all;
        const auto add = [&](int64_t rows, int64_t cols, const auto& run) {
          Floats y(static_cast<size_t>(rows * cols), std::nanf(""));
          run(matrix(y, rows, cols));
          all.insert(all.end(), y.begin(), y.end());
        };
        add(m, n, [&](Tensor y) { matmul(matrix(x, m, k), weight, {}, {}, y); });
        add(m, n, [&](Tensor y) {
          matmul(matrix(x, m, k), weight, Tensor(const_cast<float*>(bias.data()), {n}), matrix(residual, m, n), y);
        });
        if (n % 2 == 0)
          add(m, n / 2, [&](Tensor y) { matmul_swiglu(matrix(x, m, k), weight, {}, y); });
        add(m, k, [&](Tensor y) {
          if (from_panels)
            matmul_dx(matrix(dy, m, n), weight, y);
          else
            matmul_dx(matrix(dy, m, n), matrix(values, n, k), y);
        });
        add(m, k, [&](Tensor y) {
          PackedWeight transposed;
          if (from_panels)
            transposed.pack_transpose(weight);
          else
            transposed.pack_transpose(matrix(values, n, k));
          matmul(matrix(dy, m, n), transposed, {}, {}, y);
        });
        return all;
      };
      const Floats expected = products(plain, false);
      expect_same_bits_everywhere([&] {
        const Floats all = products(packed, true);
        EXPECT_TRUE(same_bits(all, expected));
        return all;
      });
    }
}

// Catches blocks that are rounded a second time where a file has them as they are: scales of either sign, values
// that do not reach 127, and -128.
TEST(PackedWeight, TakesBlocksAsTheyAre) {
  const int64_t n = 40, k = 64;
  std::string bytes;
  for (int64_t block = 0; block < n * k / 32; ++block) {
    const uint16_t scale = float_to_half((block % 3 ? 1.0f : -1.0f) * 0.01f * static_cast<float>(block + 1));
    bytes.append(reinterpret_cast<const char*>(&scale), 2);
    for (int64_t i = 0; i < 32; ++i) bytes += static_cast<char>(i == 5 ? -128 : (block * 7 + i * 13) % 90 - 45);
  }
  Floats values(static_cast<size_t>(n * k)), row(static_cast<size_t>(k));
  dequantize(Encoding::q8_0, bytes, values.data());
  PackedWeight packed;
  packed.reset(n, k, Encoding::q8_0);
  for (int64_t p = 0; p < packed.panels(); ++p) {
    std::vector<std::string_view> rows;
    for (int64_t r = p * 32; r < std::min(n, p * 32 + 32); ++r) rows.push_back(std::string_view(bytes).substr(r * 68, 68));
    packed.put_blocks(p, rows);
  }
  for (int64_t r = 0; r < n; ++r) {
    packed.read_row(r, row.data());
    EXPECT_EQ(std::memcmp(row.data(), values.data() + r * k, static_cast<size_t>(k) * 4), 0) << r;
  }
  EXPECT_THROW(packed.put_blocks(0, {}), Error);
}

// Catches rows of another token, or of the padding.
TEST(PackedWeight, IsATableOfEmbeddings) {
  const int64_t vocab = 70, width = 64;
  const Floats table = normal(vocab * width, 1);
  const std::vector<int32_t> tokens = {69, 0, 31, 32, 33, 0};
  for (const Encoding encoding : kEncodings) {
    const Floats values = kept(table, width, encoding);
    Floats x(tokens.size() * width);
    const Tensor rows = matrix(x, std::ssize(tokens), width);
    embedding_forward(held(table, vocab, width, encoding), tokens, rows);
    for (size_t i = 0; i < tokens.size(); ++i)
      EXPECT_EQ(std::memcmp(rows.row(static_cast<int64_t>(i)), values.data() + tokens[i] * width, width * 4), 0);
    EXPECT_THROW(embedding_forward(held(table, vocab, width, encoding), std::vector<int32_t>{0, 1, 2, 3, 4, 70}, rows),
                 Error);
  }
}

// Catches reading beyond a panel.
TEST(PackedWeight, RefusesShapesThatDoNotFit) {
  PackedWeight packed;
  EXPECT_THROW(packed.reset(5, 40, Encoding::q8_0), Error);
  EXPECT_THROW(packed.reset(5, 64, Encoding::q4_k), Error);
  packed.reset(40, 64, Encoding::bf16);
  const Floats rows = normal(64 * 64, 1);
  EXPECT_THROW(packed.put(1, matrix(rows, 32, 64)), Error);
  EXPECT_THROW(packed.put(0, matrix(rows, 32, 32)), Error);
  EXPECT_THROW(packed.put(2, matrix(rows, 8, 64)), Error);
}

}  // namespace
}  // namespace cohort
