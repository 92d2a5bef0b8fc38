#include "tensor/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tensor/gguf.h"

namespace cohort {
namespace {

const char* kFixture = COHORT_SOURCE_DIR "/tests/fixtures/gguf/quantise.gguf";

// Faults: any byte other than ggml's: an other rounding, another order of a sum, a contraction to fma, a
// search that keeps another candidate, bits packed elsewhere.
TEST(Quantize, BytesAreThoseOfGgml) {
  const GgufFile file(kFixture);
  const GgufTensor& values = *file.find_tensor("values");
  std::vector<float> floats(values.bytes.size() / sizeof(float));
  std::memcpy(floats.data(), values.bytes.data(), values.bytes.size());
  int compared = 0;
  for (const GgufTensor& t : file.tensors()) {
    if (t.name == "values") continue;
    std::string bytes(static_cast<size_t>(encoded_bytes(t.encoding, std::ssize(floats))), '\0');
    quantize(t.encoding, floats, bytes.data());
    ASSERT_EQ(bytes.size(), t.bytes.size()) << t.name;
    const EncodingInfo& info = encoding_info(t.encoding);
    for (size_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(bytes[i], t.bytes[i]) << t.name << " block " << static_cast<int64_t>(i) / info.block_bytes
                                      << " byte " << static_cast<int64_t>(i) % info.block_bytes;
    ++compared;
  }
  EXPECT_EQ(compared, 10);
}

// Faults: a half or bfloat16 that is not the nearest one, or not the even one of two.
TEST(Quantize, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_half(value), bits);
    const float next = half_to_float(static_cast<uint16_t>(bits + 1));
    if ((bits & 0x7FFF) >= 0x7BFF) continue;          // the largest and infinity
    const float middle = value + (next - value) / 2;  // exact
    ASSERT_EQ(float_to_half(middle), bits + (bits & 1)) << value;
    ASSERT_EQ(float_to_half(std::nextafter(middle, value)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, next)), bits + 1);
  }
  EXPECT_EQ(float_to_half(65519.996f), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0f), 0x7C00);
  EXPECT_EQ(float_to_bfloat16(1.00390625f), 0x3F80);  // half way to the next, which is odd
  EXPECT_EQ(float_to_bfloat16(1.01171875f), 0x3F82);
}

// Faults: a division by a scale that has no reciprocal; an integer made of NaN or infinity (UBSan sees it).
TEST(Quantize, ExtremeValuesStayInBounds) {
  for (const float magnitude : {1e-45f, 1e-40f, 1e-38f, 1e30f, 3e38f}) {
    float values[256];
    for (int i = 0; i < 256; ++i) values[i] = magnitude * static_cast<float>(i % 7 - 3) / 3;
    for (const Encoding e : {Encoding::q4_0, Encoding::q4_1, Encoding::q5_0, Encoding::q5_1, Encoding::q8_0,
                             Encoding::q4_k, Encoding::q5_k, Encoding::q6_k}) {
      char out[512] = {};
      float back[256];
      quantize(e, values, out);
      dequantize(e, {out, static_cast<size_t>(encoded_bytes(e, 256))}, back);
      const float most = magnitude < 1 ? 1e-7f : std::numeric_limits<float>::infinity();
      for (const float b : back)
        EXPECT_FALSE(std::abs(b) > most) << encoding_info(e).name << " of " << magnitude;
    }
  }
}

}  // namespace
}  // namespace cohort
