#include "tensor/dequantize.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "tensor/load.h"

namespace cohort {
namespace {

constexpr EncodingInfo kEncodings[] = {
    {"F32", 1, 4},    {"F16", 1, 2},      {"BF16", 1, 2},     {"F64", 1, 8},
    {"Q4_0", 32, 18}, {"Q4_1", 32, 20},   {"Q5_0", 32, 22},   {"Q5_1", 32, 24},
    {"Q8_0", 32, 34}, {"Q4_K", 256, 144}, {"Q5_K", 256, 176}, {"Q6_K", 256, 210},
};

float half_at(const char* p) { return half_to_float(load<uint16_t>(p)); }
int low(char c) { return static_cast<uint8_t>(c) & 15; }
int high(char c) { return static_cast<uint8_t>(c) >> 4; }

// Q4_0: d, 16 bytes: value i in the low half of byte i, value 16 + i in the high half.
void q4_0(const char* b, float* out) {
  const float d = half_at(b);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low(b[2 + i]) - 8);
    out[16 + i] = d * static_cast<float>(high(b[2 + i]) - 8);
  }
}

// Q4_1: d, m, 16 bytes as Q4_0.
void q4_1(const char* b, float* out) {
  const float d = half_at(b), m = half_at(b + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low(b[4 + i])) + m;
    out[16 + i] = d * static_cast<float>(high(b[4 + i])) + m;
  }
}

// Q5_0: d, 32 fifth bits, 16 bytes as Q4_0.
void q5_0(const char* b, float* out) {
  const float d = half_at(b);
  const uint32_t fifth = load<uint32_t>(b + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((low(b[6 + i]) | static_cast<int>(fifth >> i & 1) << 4) - 16);
    out[16 + i] =
        d * static_cast<float>((high(b[6 + i]) | static_cast<int>(fifth >> (16 + i) & 1) << 4) - 16);
  }
}

// Q5_1: d, m, 32 fifth bits, 16 bytes as Q4_0.
void q5_1(const char* b, float* out) {
  const float d = half_at(b), m = half_at(b + 2);
  const uint32_t fifth = load<uint32_t>(b + 4);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low(b[8 + i]) | static_cast<int>(fifth >> i & 1) << 4) + m;
    out[16 + i] = d * static_cast<float>(high(b[8 + i]) | static_cast<int>(fifth >> (16 + i) & 1) << 4) + m;
  }
}

// Q8_0: d, 32 signed bytes.
void q8_0(const char* b, float* out) {
  const float d = half_at(b);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
}

// The eight 6-bit scales and minima of Q4_K and Q5_K, packed into 12 bytes.
void k_scales(const char* packed, int scale[8], int minimum[8]) {
  const auto* s = reinterpret_cast<const uint8_t*>(packed);
  for (int i = 0; i < 4; ++i) {
    scale[i] = s[i] & 63;
    minimum[i] = s[4 + i] & 63;
    scale[4 + i] = (s[8 + i] & 15) | (s[i] >> 6) << 4;
    minimum[4 + i] = (s[8 + i] >> 4) | (s[4 + i] >> 6) << 4;
  }
}

// Q4_K: d, dmin, 12 bytes of scales, 128 bytes: sub-blocks 2j and 2j + 1 of 32 values in the halves of bytes
// 32 j ..
void q4_k(const char* b, float* out) {
  const float d = half_at(b), dmin = half_at(b + 2);
  int scale[8], minimum[8];
  k_scales(b + 4, scale, minimum);
  const char* q = b + 16;
  for (int j = 0; j < 8; ++j) {
    const float ds = d * static_cast<float>(scale[j]), dm = dmin * static_cast<float>(minimum[j]);
    for (int i = 0; i < 32; ++i) {
      const char c = q[32 * (j / 2) + i];
      out[32 * j + i] = ds * static_cast<float>(j % 2 ? high(c) : low(c)) - dm;
    }
  }
}

// Q5_K: d, dmin, 12 bytes of scales, 32 bytes whose bit j is the fifth bit of sub-block j, 128 bytes as Q4_K.
void q5_k(const char* b, float* out) {
  const float d = half_at(b), dmin = half_at(b + 2);
  int scale[8], minimum[8];
  k_scales(b + 4, scale, minimum);
  const char *fifth = b + 16, *q = b + 48;
  for (int j = 0; j < 8; ++j) {
    const float ds = d * static_cast<float>(scale[j]), dm = dmin * static_cast<float>(minimum[j]);
    for (int i = 0; i < 32; ++i) {
      const char c = q[32 * (j / 2) + i];
      const int bits = (j % 2 ? high(c) : low(c)) | (static_cast<uint8_t>(fifth[i]) >> j & 1) << 4;
      out[32 * j + i] = ds * static_cast<float>(bits) - dm;
    }
  }
}

// Q6_K: 128 bytes of low halves, 64 bytes of upper pairs of bits, 16 signed scales, d. Each half of the block
// (128 values) has four runs of 32: run r takes its low bits from bytes 32 (r mod 2) .., half r / 2, its
// upper bits from pair r.
void q6_k(const char* b, float* out) {
  const float d = half_at(b + 208);
  for (int h = 0; h < 2; ++h) {
    const char *lower = b + 64 * h, *upper = b + 128 + 32 * h, *scales = b + 192 + 8 * h;
    for (int r = 0; r < 4; ++r) {
      for (int i = 0; i < 32; ++i) {
        const float ds = d * static_cast<float>(static_cast<int8_t>(scales[2 * r + i / 16]));
        const char c = lower[32 * (r % 2) + i];
        const int bits = (r / 2 ? high(c) : low(c)) | (static_cast<uint8_t>(upper[i]) >> (2 * r) & 3) << 4;
        out[128 * h + 32 * r + i] = ds * static_cast<float>(bits - 32);
      }
    }
  }
}

template <class Block>
void each_block(const EncodingInfo& info, std::string_view bytes, float* out, Block block) {
  const int64_t blocks = static_cast<int64_t>(bytes.size()) / info.block_bytes;
  for (int64_t i = 0; i < blocks; ++i)
    block(bytes.data() + i * info.block_bytes, out + i * info.block_values);
}

}  // namespace

const EncodingInfo& encoding_info(Encoding encoding) { return kEncodings[static_cast<int>(encoding)]; }

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | mantissa << 13);  // infinity, NaN
  if (exponent == 0) {                                                                   // zero, subnormal
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

void dequantize(Encoding encoding, std::string_view bytes, float* out) {
  const EncodingInfo& info = encoding_info(encoding);
  COHORT_CHECK(bytes.size() % static_cast<size_t>(info.block_bytes) == 0, "{} bytes of {}", bytes.size(),
               info.name);
  switch (encoding) {
    case Encoding::f32:
      if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
      return;
    case Encoding::f16:
      return each_block(info, bytes, out, [](const char* b, float* o) { *o = half_at(b); });
    case Encoding::bf16:
      return each_block(info, bytes, out, [](const char* b, float* o) {
        *o = std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(b)) << 16);
      });
    case Encoding::f64:
      return each_block(info, bytes, out,
                        [](const char* b, float* o) { *o = static_cast<float>(load<double>(b)); });
    case Encoding::q4_0:
      return each_block(info, bytes, out, q4_0);
    case Encoding::q4_1:
      return each_block(info, bytes, out, q4_1);
    case Encoding::q5_0:
      return each_block(info, bytes, out, q5_0);
    case Encoding::q5_1:
      return each_block(info, bytes, out, q5_1);
    case Encoding::q8_0:
      return each_block(info, bytes, out, q8_0);
    case Encoding::q4_k:
      return each_block(info, bytes, out, q4_k);
    case Encoding::q5_k:
      return each_block(info, bytes, out, q5_k);
    case Encoding::q6_k:
      return each_block(info, bytes, out, q6_k);
  }
}

}  // namespace cohort
