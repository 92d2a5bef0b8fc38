// Numbers of a few bits, packed: alone, and between runs of one number ("RLE/bit-packing hybrid" of the
// format's Encodings.md).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace cohort::parquet {

// The unsigned number of `width` bits, 64 at most, whose lowest stands at this bit of the bytes, counted
// from the first byte's lowest.
inline uint64_t bits_at(std::string_view bytes, uint64_t bit, int width) {
  if (width == 0) return 0;
  const uint64_t first = bit / 8, last = (bit + width - 1) / 8;
  if (last >= bytes.size()) fail("a page's values end early");
  const int shift = static_cast<int>(bit % 8);
  uint64_t low = 0;
  std::memcpy(&low, bytes.data() + first, bytes.size() - first < 8 ? bytes.size() - first : 8);
  low >>= shift;
  if (last - first == 8) low |= uint64_t{static_cast<uint8_t>(bytes[last])} << (64 - shift);
  return width == 64 ? low : low & ((uint64_t{1} << width) - 1);
}

// An unsigned LEB128 number of 64 bits at most; `at` goes on behind it.
inline uint64_t varint_at(std::string_view bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at == bytes.size()) fail("a page's values end early");
    const uint64_t part = static_cast<uint8_t>(bytes[at++]);
    value |= (part & 127) << shift;
    if (part < 128) return value;
  }
  fail("a page has a number of more than 64 bits");
}

// Numbers of `width` bits, 32 at most. Nothing is read before it is asked for, so that a run without end
// costs nothing.
class RunReader {
 public:
  RunReader() = default;
  RunReader(std::string_view bytes, int width) : bytes_(bytes), width_(width) {}

  uint32_t next() {
    while (left_ == 0) begin_run();
    --left_;
    if (!packed_) return value_;
    bit_ += width_;
    return static_cast<uint32_t>(bits_at(bytes_, bit_ - width_, width_));
  }

 private:
  void begin_run() {
    if (packed_) at_ = (bit_ + 7) / 8;
    if (at_ > bytes_.size()) at_ = bytes_.size();
    const uint64_t header = varint_at(bytes_, at_);
    packed_ = header & 1;
    left_ = header >> 1;
    if (packed_) {
      left_ = 8 * std::min(left_, uint64_t{1} << 40);  // of more than there is, as is seen when they are read
      bit_ = at_ * 8;
    } else {
      const int value_bytes = (width_ + 7) / 8;
      value_ = static_cast<uint32_t>(bits_at(bytes_, at_ * 8, value_bytes * 8));
      at_ += value_bytes;
    }
  }

  std::string_view bytes_;
  int width_ = 0;
  size_t at_ = 0;
  uint64_t left_ = 0;  // of this run
  bool packed_ = false;
  uint64_t bit_ = 0;    // of a packed run's next number
  uint32_t value_ = 0;  // of any other run
};

}  // namespace cohort::parquet
