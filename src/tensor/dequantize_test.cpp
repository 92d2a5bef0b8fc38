#include "tensor/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace cohort {
namespace {

// Faults: a subnormal, sign or exponent slip for any of the 65,536 half-precision numbers.
TEST(Dequantize, EveryHalf) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const float f = half_to_float(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::signbit(f), bits >> 15 != 0) << bits;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(f), mantissa != 0) << bits;
      EXPECT_EQ(std::isinf(f), mantissa == 0) << bits;
    } else {
      const double expected =
          exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24);
      EXPECT_EQ(std::abs(f), expected) << bits;
    }
  }
}

// Faults: reading a part of a block.
TEST(Dequantize, RefusesPartsOfBlocks) {
  std::vector<float> out(256);
  EXPECT_THROW(dequantize(Encoding::q4_k, std::string_view("12345"), out.data()), Error);
}

}  // namespace
}  // namespace cohort
