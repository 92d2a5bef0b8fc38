// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). A number is a pure function of its coordinates, so nothing depends on call order, thread or rank.
#pragma once

#include <array>
#include <cstdint>

namespace cohort {

using PhiloxBlock = std::array<uint32_t, 4>;

// One block of four 32-bit words for a 128-bit counter and a 64-bit key.
constexpr PhiloxBlock philox4x32(PhiloxBlock counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

// What a random number is used for; two streams never share a number.
enum class Stream : uint32_t { sample = 1, shuffle = 2, init = 3, data = 4, bootstrap = 5, lora = 6 };

// The key of a stream: the stream is mixed into the seed, so the 128-bit counter is free for coordinates.
constexpr uint64_t stream_key(uint64_t seed, Stream stream) {
  const PhiloxBlock keyed = philox4x32({static_cast<uint32_t>(stream), 0, 0, 0}, seed);
  return (uint64_t{keyed[1]} << 32) | keyed[0];
}

// Two uniform doubles in [0, 1), each with 53 random bits, from one block.
constexpr std::array<double, 2> uniforms53(uint64_t key, PhiloxBlock counter) {
  const PhiloxBlock block = philox4x32(counter, key);
  const uint64_t first = (uint64_t{block[1]} << 32) | block[0],
                 second = (uint64_t{block[3]} << 32) | block[2];
  return {static_cast<double>(first >> 11) * 0x1.0p-53, static_cast<double>(second >> 11) * 0x1.0p-53};
}

// A uniform double in [0, 1) with 53 random bits, keyed by where it is used.
//   prompt: the prompt's index in the whole run; sample: index inside its group; position: token or element
//   index.
constexpr double uniform53(uint64_t seed, Stream stream, uint32_t step, uint32_t prompt, uint32_t sample,
                           uint32_t position) {
  return uniforms53(stream_key(seed, stream), {step, prompt, sample, position})[0];
}

}  // namespace cohort
