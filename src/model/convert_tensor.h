// One tensor from its file into another encoding.
#pragma once

#include <string>

#include "model/read_weights.h"

namespace cohort {

// Squares of what was stored and of how far it is from what was read.
struct ConversionError {
  double squares = 0, errors = 0;
};

// The tensor's bytes in another encoding, in rows as a GGUF's where `permuted_heads` is not 0. Throws Error
// where a value cannot be held (beyond what a half can).
std::string convert_tensor(const Parameter& parameter, const StoredTensor& stored, Encoding encoding,
                           int64_t permuted_heads, ConversionError* error);

}  // namespace cohort
