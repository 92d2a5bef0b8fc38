// How model files store numbers, and their fp32 values. A quantised encoding stores blocks of values of one
// row; layouts and arithmetic are those of ggml (ggml-common.h, ggml-quants.c), bit for bit as PyPI's `gguf`
// package computes them.
#pragma once

#include <cstdint>
#include <string_view>

namespace cohort {

enum class Encoding : uint8_t { f32, f16, bf16, f64, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k };

struct EncodingInfo {
  const char* name;      // in its file format's spelling: F32, Q4_K ...
  int64_t block_values;  // values of one block; a row holds whole blocks
  int64_t block_bytes;
};
const EncodingInfo& encoding_info(Encoding encoding);

// The fp32 values of whole blocks; `out` takes bytes.size() / block_bytes * block_values floats. f64 is
// rounded to nearest. `bytes` needs no alignment.
void dequantize(Encoding encoding, std::string_view bytes, float* out);

float half_to_float(uint16_t bits);  // IEEE binary16, exact

}  // namespace cohort
