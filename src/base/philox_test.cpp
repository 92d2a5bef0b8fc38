#include "base/philox.h"

#include <gtest/gtest.h>

#include <set>

namespace cohort {
namespace {

// The known-answer vectors published with Random123 (philox4x32, 10 rounds). Catches a wrong constant, round
// count or word order.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, 0), (PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  EXPECT_EQ(philox4x32({0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}, 0xffffffffffffffffu),
            (PhiloxBlock{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0x299f31d0a4093822u),
            (PhiloxBlock{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

// Catches a coordinate that is ignored, or two streams that share numbers.
TEST(Philox, EveryCoordinateMatters) {
  std::set<double> seen;
  for (uint64_t seed : {1, 2})
    for (Stream stream : {Stream::sample, Stream::shuffle})
      for (uint32_t i = 0; i < 16; ++i)
        seen.insert(uniform53(seed, stream, i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1));
  EXPECT_EQ(seen.size(), 64u);
}

// Catches a biased or truncated conversion to [0, 1).
TEST(Philox, UniformIsUniform) {
  constexpr int n = 100000;
  int bins[10] = {};
  double sum = 0;
  bool low_bits = false;
  for (uint32_t i = 0; i < n; ++i) {
    const double u = uniform53(3, Stream::sample, 0, 0, 0, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++bins[static_cast<int>(u * 10)];
    sum += u;
    const double scaled = u * 0x1p32;
    low_bits |= scaled != static_cast<double>(static_cast<int64_t>(scaled));
  }
  EXPECT_NEAR(sum / n, 0.5, 0.005);
  EXPECT_TRUE(low_bits);  // more than 32 bits are random
  double chi2 = 0;
  for (int count : bins) chi2 += (count - n / 10.0) * (count - n / 10.0) / (n / 10.0);
  EXPECT_LT(chi2, 27.9);  // 9 degrees of freedom, p = 0.001
}

}  // namespace
}  // namespace cohort
