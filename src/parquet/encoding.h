// The encodings of a page's values.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "parquet/metadata.h"
#include "parquet/schema.h"

namespace cohort::parquet {

struct Value {
  uint64_t bits = 0;       // a boolean; int32 (with its sign) and int64; the bits of float32 and float64
  std::string_view bytes;  // int96, bytes, fixed_bytes
};

// Values front to back. Nothing is unpacked before it is asked for.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Value next() = 0;  // its bytes are valid up to the next call. Throws Error where there is none.
};

// A page's values, which are `bytes`; they stay where they are while the decoder lives, and so does the
// dictionary, which is null where the column has none. Throws Error for an encoding that does not fit the
// leaf.
std::unique_ptr<Decoder> make_decoder(Encoding encoding, const Leaf& leaf, std::string_view bytes,
                                      const std::vector<Value>* dictionary);

}  // namespace cohort::parquet
