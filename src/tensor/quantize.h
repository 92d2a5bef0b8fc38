// fp32 values as model files store them. The bytes are those of ggml's reference quantisation
// (quantize_row_*_ref in ggml-quants.c), bit for bit, where that defines them; dequantize() is the way back.
#pragma once

#include <span>
#include <string_view>

#include "tensor/dequantize.h"

namespace cohort {

// Bytes that `values` values of an encoding take; whole blocks.
int64_t encoded_bytes(Encoding encoding, int64_t values);

// The values, whole blocks of finite numbers, as bytes; `out` takes encoded_bytes() of them. Every encoding
// but F64. What is beyond a half becomes infinite, as in ggml: a caller looks at what comes back.
void quantize(Encoding encoding, std::span<const float> values, char* out);

uint16_t float_to_half(float value);      // IEEE binary16, to nearest even
uint16_t float_to_bfloat16(float value);  // to nearest even

// The blocks of 256 of quantize_k.cpp.
void quantize_q4_k(const float* values, char* out);
void quantize_q5_k(const float* values, char* out);
void quantize_q6_k(const float* values, char* out);

}  // namespace cohort
