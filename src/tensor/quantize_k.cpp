// Q4_K, Q5_K, Q6_K: blocks of 256 values in sub-blocks of 32 or 16, whose scales are quantised too. A
// sub-block's scale is searched for: several candidate scales are tried, each fitted by weighted least squares
// to the integers that it gives, and the one with the least weighted error is taken. Sums run over the values
// in order and in fp32, or the bits would not be ggml's.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/load.h"
#include "tensor/quantize.h"

namespace cohort {
namespace {

constexpr float kTiny = 1e-15f;  // a sub-block without a larger value is all zero

// To nearest even, within [low, high].
int nearest(float v, int low, int high) {
  if (!(v > static_cast<float>(low))) return low;
  if (v >= static_cast<float>(high)) return high;
  return static_cast<int>((v + 0x1.8p23f) - 0x1.8p23f);
}

// 32 values as scale * q - minimum with q in 0 .. most.
struct Affine {
  float scale, minimum;
  uint8_t q[32];
};

struct Search {
  int most;
  float first;  // the candidates' ranges are most + first, + first + 0.1 ...
  int steps;
};

void weigh(const float* x, float* weight) {
  float squares = 0;
  for (int i = 0; i < 32; ++i) squares += x[i] * x[i];
  const float mean = std::sqrt(squares / 32);
  for (int i = 0; i < 32; ++i) weight[i] = mean + std::abs(x[i]);
}

Affine fit_affine(const float* x, const Search& search) {
  float weight[32];
  weigh(x, weight);
  float low = x[0], high = x[0], sum_w = weight[0], sum_x = weight[0] * x[0];
  for (int i = 1; i < 32; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
    sum_w += weight[i];
    sum_x += weight[i] * x[i];
  }
  if (low > 0) low = 0;
  Affine best{0, -low, {}};
  if (high == low) return best;

  const float range = high - low, least = low;
  const auto integers = [&](float inverse, uint8_t* q) {
    for (int i = 0; i < 32; ++i)
      q[i] = static_cast<uint8_t>(nearest(inverse * (x[i] - least), 0, search.most));
  };
  const auto error_of = [&](const uint8_t* q, float scale, float minimum) {
    float error = 0;
    for (int i = 0; i < 32; ++i) {
      const float difference = scale * static_cast<float>(q[i]) + minimum - x[i];
      error += weight[i] * (difference * difference);
    }
    return error;
  };
  const float inverse = static_cast<float>(search.most) / range;
  integers(inverse, best.q);
  best.scale = 1 / inverse;
  float best_error = error_of(best.q, best.scale, low);
  for (int step = 0; step <= search.steps; ++step) {
    uint8_t q[32];
    // ggml's search goes on from the minimum found so far, in range and in integers.
    const float from = -best.minimum, candidate = (search.first + 0.1f * static_cast<float>(step) +
                                                   static_cast<float>(search.most)) /
                                                  (high - from);
    float sum_q = 0, sum_q2 = 0, sum_xq = 0;
    for (int i = 0; i < 32; ++i) {
      q[i] = static_cast<uint8_t>(nearest(candidate * (x[i] - from), 0, search.most));
      const float wq = weight[i] * static_cast<float>(q[i]);
      sum_q += wq;
      sum_q2 += wq * static_cast<float>(q[i]);
      sum_xq += wq * x[i];
    }
    const float determinant = sum_w * sum_q2 - sum_q * sum_q;
    if (!(determinant > 0)) continue;
    float scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
    float minimum = (sum_q2 * sum_x - sum_q * sum_xq) / determinant;
    if (minimum > 0) {
      minimum = 0;
      scale = sum_xq / sum_q2;
    }
    const float error = error_of(q, scale, minimum);
    if (error < best_error) {
      best_error = error;
      best.scale = scale;
      best.minimum = -minimum;
      std::memcpy(best.q, q, sizeof q);
    }
  }
  return best;
}

// Q4_K and Q5_K alike: the 16 bytes of scales in front, and 256 integers.
void affine_block(const float* x, const Search& search, char* out, uint8_t* q) {
  Affine fits[8];
  float largest_scale = 0, largest_minimum = 0;
  for (int j = 0; j < 8; ++j) {
    fits[j] = fit_affine(x + 32 * j, search);
    largest_scale = std::max(largest_scale, fits[j].scale);
    largest_minimum = std::max(largest_minimum, fits[j].minimum);
  }
  const float per_scale = largest_scale > 0 ? 63.0f / largest_scale : 0.0f,
              per_minimum = largest_minimum > 0 ? 63.0f / largest_minimum : 0.0f;
  const uint16_t d = float_to_half(largest_scale / 63.0f), dmin = float_to_half(largest_minimum / 63.0f);
  store(out, d);
  store(out + 2, dmin);
  uint8_t packed[12] = {};
  for (int j = 0; j < 8; ++j) {
    const int scale = nearest(per_scale * fits[j].scale, 0, 63),
              minimum = nearest(per_minimum * fits[j].minimum, 0, 63);
    if (j < 4) {
      packed[j] = static_cast<uint8_t>(packed[j] | scale);
      packed[j + 4] = static_cast<uint8_t>(packed[j + 4] | minimum);
    } else {  // the upper two bits go to those of the first four
      packed[j + 4] = static_cast<uint8_t>((scale & 15) | (minimum & 15) << 4);
      packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | scale >> 4 << 6);
      packed[j] = static_cast<uint8_t>(packed[j] | minimum >> 4 << 6);
    }
    // The integers once more, with the scales as they will be read. Those of a scale of 0 stay as they were.
    const float ds = half_to_float(d) * static_cast<float>(scale),
                dm = half_to_float(dmin) * static_cast<float>(minimum);
    for (int i = 0; i < 32; ++i) {
      const int at = 32 * j + i;
      q[at] = ds == 0 ? fits[j].q[i] : static_cast<uint8_t>(nearest((x[at] + dm) / ds, 0, search.most));
    }
  }
  std::memcpy(out + 4, packed, sizeof packed);
}

// Sub-blocks 2j and 2j + 1 are the halves of the same 32 bytes.
void store_halves(const uint8_t* q, char* out) {
  for (int j = 0; j < 256; j += 64)
    for (int i = 0; i < 32; ++i) *out++ = static_cast<char>((q[j + i] & 15) | (q[j + 32 + i] & 15) << 4);
}

// 16 values as scale * (q - 32); returns the scale.
float fit_symmetric(const float* x, uint8_t* q) {
  float largest = 0, extreme = 0;
  for (int i = 0; i < 16; ++i)
    if (std::abs(x[i]) > largest) largest = std::abs(x[i]), extreme = x[i];
  std::fill_n(q, 16, uint8_t{0});
  if (largest < kTiny) return 0;
  float scale = 0, best = 0;
  const auto attempt = [&](float inverse, bool first) {
    int candidate[16];
    float sum_xq = 0, sum_q2 = 0;
    for (int i = 0; i < 16; ++i) {
      candidate[i] = nearest(inverse * x[i], -32, 31);
      const float weight = x[i] * x[i], v = static_cast<float>(candidate[i]);
      sum_xq += weight * x[i] * v;
      sum_q2 += weight * v * v;
    }
    if (!first && !(sum_q2 > 0 && sum_xq * sum_xq > best * sum_q2)) return;
    for (int i = 0; i < 16; ++i) q[i] = static_cast<uint8_t>(candidate[i] + 32);
    scale = sum_q2 != 0 ? sum_xq / sum_q2 : 0.0f;
    best = scale * sum_xq;
  };
  attempt(-32 / extreme, true);
  for (int step = -9; step <= 9; ++step)
    if (step != 0) attempt(-(32 + 0.1f * static_cast<float>(step)) / extreme, false);
  return scale;
}

}  // namespace

void quantize_q4_k(const float* x, char* out) {
  uint8_t q[256];
  affine_block(x, {15, -1.0f, 20}, out, q);
  store_halves(q, out + 16);
}

void quantize_q5_k(const float* x, char* out) {
  uint8_t q[256];
  affine_block(x, {31, -0.5f, 15}, out, q);
  for (int i = 0; i < 32; ++i) {
    int fifth = 0;
    for (int j = 0; j < 8; ++j) fifth |= (q[32 * j + i] >> 4 & 1) << j;
    out[16 + i] = static_cast<char>(fifth);
  }
  store_halves(q, out + 48);
}

void quantize_q6_k(const float* x, char* out) {
  uint8_t q[256];
  float scales[16], largest = 0, extreme = 0;
  for (int j = 0; j < 16; ++j) {
    scales[j] = fit_symmetric(x + 16 * j, q + 16 * j);
    if (std::abs(scales[j]) > largest) largest = std::abs(scales[j]), extreme = scales[j];
  }
  std::memset(out, 0, 210);
  if (largest < kTiny) return;
  const float inverse = -128.0f / extreme;
  const uint16_t d = float_to_half(1 / inverse);
  store(out + 208, d);
  for (int j = 0; j < 16; ++j) {
    const int scale = nearest(inverse * scales[j], -128, 127);
    out[192 + j] = static_cast<char>(scale);
    const float ds = half_to_float(d) * static_cast<float>(scale);
    if (ds == 0) continue;
    for (int i = 16 * j; i < 16 * j + 16; ++i) q[i] = static_cast<uint8_t>(nearest(x[i] / ds, -32, 31) + 32);
  }
  // Runs of 32 values: 0 and 2, 1 and 3 of each half share bytes for their low bits; all four for the others.
  for (int h = 0; h < 2; ++h) {
    for (int i = 0; i < 32; ++i) {
      const uint8_t* run = q + 128 * h + i;
      out[64 * h + i] = static_cast<char>((run[0] & 15) | (run[64] & 15) << 4);
      out[64 * h + 32 + i] = static_cast<char>((run[32] & 15) | (run[96] & 15) << 4);
      out[128 + 32 * h + i] =
          static_cast<char>(run[0] >> 4 | run[32] >> 4 << 2 | run[64] >> 4 << 4 | run[96] >> 4 << 6);
    }
  }
}

}  // namespace cohort
