// A 64-bit checksum of bytes, to notice torn or damaged files (not to resist an adversary): four interleaved
// lanes of multiply-xorshift over 8-byte words, the length mixed in.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cohort {

class Checksum64 {
 public:
  // Every part but the last must be a multiple of 32 bytes.
  void update(std::string_view bytes) {
    size_ += bytes.size();
    size_t i = 0;
    for (; i + 32 <= bytes.size(); i += 32)
      for (int lane = 0; lane < 4; ++lane) {
        uint64_t word;
        std::memcpy(&word, bytes.data() + i + 8 * lane, 8);
        lanes_[lane] = mix(lanes_[lane], word);
      }
    for (; i < bytes.size(); ++i) rest_ = mix(rest_, static_cast<unsigned char>(bytes[i]));
  }
  uint64_t value() const {
    uint64_t h = mix(rest_, size_);
    for (uint64_t lane : lanes_) h = mix(h, lane);
    return h;
  }

 private:
  static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
  }
  uint64_t lanes_[4] = {1, 2, 3, 4}, rest_ = 5, size_ = 0;
};

inline uint64_t checksum64(std::string_view bytes) {
  Checksum64 sum;
  sum.update(bytes);
  return sum.value();
}

}  // namespace cohort
