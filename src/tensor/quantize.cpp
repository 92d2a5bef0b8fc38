#include "tensor/quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "tensor/load.h"

namespace cohort {
namespace {

// 1 / scale, 0 for a scale of 0 and where it has no reciprocal: all values become the block's zero.
float reciprocal(float scale) {
  const float inverse = 1.0f / scale;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

// The value of the largest magnitude, the first of equals.
float extreme(const float* x) {
  float largest = 0, value = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::abs(x[i]) > largest) largest = std::abs(x[i]), value = x[i];
  }
  return value;
}

// Value i and value 16 + i are the halves of byte i.
void store_halves(const int* q, char* out) {
  for (int i = 0; i < 16; ++i) out[i] = static_cast<char>((q[i] & 15) | (q[16 + i] & 15) << 4);
}

void store_fifth_bits(const int* q, char* out) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= static_cast<uint32_t>(q[i] >> 4 & 1) << i;
  store(out, bits);
}

// Q4_0 and Q5_0: the extreme becomes -half, the scale is a half, zero is in the middle.
void symmetric(const float* x, int half, int* q, char* scale) {
  const float d = extreme(x) / static_cast<float>(-half), inverse = reciprocal(d);
  store(scale, float_to_half(d));
  for (int i = 0; i < 32; ++i)
    q[i] = std::min(2 * half - 1, static_cast<int>(x[i] * inverse + (static_cast<float>(half) + 0.5f)));
}

// Q4_1 and Q5_1: from the least value to the largest in `most` steps.
void from_minimum(const float* x, int most, int* q, char* scales) {
  const auto [least, largest] = std::minmax_element(x, x + 32);
  const float low = *least, d = (*largest - low) / static_cast<float>(most), inverse = reciprocal(d);
  store(scales, float_to_half(d));
  store(scales + 2, float_to_half(low));
  for (int i = 0; i < 32; ++i) q[i] = std::min(most, static_cast<int>((x[i] - low) * inverse + 0.5f));
}

void store_q4_0(const float* x, char* out) {
  int q[32];
  symmetric(x, 8, q, out);
  store_halves(q, out + 2);
}

void store_q4_1(const float* x, char* out) {
  int q[32];
  from_minimum(x, 15, q, out);
  store_halves(q, out + 4);
}

void store_q5_0(const float* x, char* out) {
  int q[32];
  symmetric(x, 16, q, out);
  store_fifth_bits(q, out + 2);
  store_halves(q, out + 6);
}

void store_q5_1(const float* x, char* out) {
  int q[32];
  from_minimum(x, 31, q, out);
  store_fifth_bits(q, out + 4);
  store_halves(q, out + 8);
}

// Halves are rounded away from zero.
void store_q8_0(const float* x, char* out) {
  const float d = std::abs(extreme(x)) / 127, inverse = reciprocal(d);
  store(out, float_to_half(d));
  for (int i = 0; i < 32; ++i) {
    const float scaled = x[i] * inverse;
    int q = static_cast<int>(scaled);
    const float rest = scaled - static_cast<float>(q);
    if (rest >= 0.5f) ++q;
    if (rest <= -0.5f) --q;
    out[2 + i] = static_cast<char>(q);
  }
}

template <class Block>
void each_block(Encoding encoding, std::span<const float> values, char* out, Block block) {
  const EncodingInfo& info = encoding_info(encoding);
  for (size_t i = 0; i < values.size(); i += static_cast<size_t>(info.block_values), out += info.block_bytes)
    block(values.data() + i, out);
}

}  // namespace

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00);   // NaN
  if (magnitude >= 0x477FF000) return static_cast<uint16_t>(sign | 0x7C00);  // rounds beyond 65504
  if (magnitude < 0x38800000) {  // subnormal: in steps of 2^-24, which the sum rounds to
    const float steps = std::bit_cast<float>(magnitude) * 0x1p24f + 0x1.8p23f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(steps) & 0x7FF));
  }
  const uint32_t rounded = magnitude - (112u << 23) + 0xFFF + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 64);  // stays NaN
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

int64_t encoded_bytes(Encoding encoding, int64_t values) {
  const EncodingInfo& info = encoding_info(encoding);
  COHORT_CHECK(values % info.block_values == 0, "{} values as {}", values, info.name);
  return values / info.block_values * info.block_bytes;
}

void quantize(Encoding encoding, std::span<const float> values, char* out) {
  encoded_bytes(encoding, static_cast<int64_t>(values.size()));
  switch (encoding) {
    case Encoding::f32:
      if (!values.empty()) std::memcpy(out, values.data(), values.size_bytes());
      return;
    case Encoding::f16:
      return each_block(encoding, values, out, [](const float* x, char* o) { store(o, float_to_half(*x)); });
    case Encoding::bf16:
      return each_block(encoding, values, out,
                        [](const float* x, char* o) { store(o, float_to_bfloat16(*x)); });
    case Encoding::f64:
      break;
    case Encoding::q4_0:
      return each_block(encoding, values, out, store_q4_0);
    case Encoding::q4_1:
      return each_block(encoding, values, out, store_q4_1);
    case Encoding::q5_0:
      return each_block(encoding, values, out, store_q5_0);
    case Encoding::q5_1:
      return each_block(encoding, values, out, store_q5_1);
    case Encoding::q8_0:
      return each_block(encoding, values, out, store_q8_0);
    case Encoding::q4_k:
      return each_block(encoding, values, out, quantize_q4_k);
    case Encoding::q5_k:
      return each_block(encoding, values, out, quantize_q5_k);
    case Encoding::q6_k:
      return each_block(encoding, values, out, quantize_q6_k);
  }
  COHORT_CHECK(false, "nothing is stored as {}", encoding_info(encoding).name);
}

}  // namespace cohort
