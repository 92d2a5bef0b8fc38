// A 64-bit checksum of bytes, to notice torn or damaged files (not to resist an adversary): four interleaved
// lanes of multiply-xorshift over 8-byte words, the length mixed in.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cohort {

inline uint64_t checksum64(std::string_view bytes) {
  constexpr uint64_t multiplier = 0x9E3779B97F4A7C15u;
  auto mix = [](uint64_t h, uint64_t word) {
    h = (h ^ word) * multiplier;
    return h ^ (h >> 29);
  };
  uint64_t lanes[4] = {1, 2, 3, 4};
  size_t i = 0;
  for (; i + 32 <= bytes.size(); i += 32)
    for (int lane = 0; lane < 4; ++lane) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + i + 8 * lane, 8);
      lanes[lane] = mix(lanes[lane], word);
    }
  uint64_t h = bytes.size();
  for (; i < bytes.size(); ++i) h = mix(h, static_cast<unsigned char>(bytes[i]));
  for (uint64_t lane : lanes) h = mix(h, lane);
  return h;
}

}  // namespace cohort
