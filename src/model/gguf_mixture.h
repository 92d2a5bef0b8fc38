// Which encoding each tensor of a GGUF file gets: the types that `llama-quantize` offers, with its choices for
// single tensors and for rows that a type cannot hold.
#pragma once

#include <string>
#include <string_view>

#include "model/config.h"
#include "tensor/dequantize.h"

namespace cohort {

struct GgufMixture {
  std::string_view name;  // f32, f16, bf16, q8_0, q4_k_m ...
  Encoding encoding;      // of most matrices
  uint32_t file_type;     // general.file_type
  bool more_bits;         // Q4_K_M, Q5_K_M: Q6_K for the values and the down projection of some layers
};

// Throws Error with the names that there are for any other; upper case is read as lower.
const GgufMixture& gguf_mixture(std::string_view name);

// Of a tensor by its GGUF name (rows of shape.back() values). Vectors stay F32.
Encoding gguf_encoding(const GgufMixture& mixture, const ModelConfig& config, const std::string& name,
                       const std::vector<int64_t>& shape);

}  // namespace cohort
