// What a template may spend while it is rendered: steps, memory, output and depth. A template is untrusted,
// and one that loops, grows or nests without end must end in an error.
#pragma once

#include <cstdint>

namespace cohort::jinja {

struct Limits {
  int64_t steps = 20'000'000;  // an expression, a statement, an item, or 16 bytes of text gone over
  int64_t memory = 256 << 20;  // bytes of values alive at a time
  int64_t output = 64 << 20;   // bytes of text rendered
  int32_t depth = 600;         // evaluations inside evaluations, macro calls included
};

// While it lives, its thread spends from these limits; without one nothing is bounded.
class Meter {
 public:
  explicit Meter(const Limits& limits);
  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
};

// Throws Error when the steps are used up.
void spend(int64_t steps);
// Whatever goes over text or items spends for them: what reads, searches, compares, decodes, copies or looks up.
inline int64_t steps_for_bytes(uint64_t bytes) { return 1 + static_cast<int64_t>(bytes / 16); }
inline void spend_bytes(uint64_t bytes) { spend(static_cast<int64_t>(bytes / 16)); }  // nothing for a short one
void check_output(uint64_t bytes);

// The memory of one value: counted while it lives. Throws Error when it would be too much.
class Footprint {
 public:
  explicit Footprint(uint64_t bytes);
  ~Footprint();
  Footprint(const Footprint&) = delete;
  Footprint& operator=(const Footprint&) = delete;
  void grow(uint64_t bytes);

 private:
  int64_t bytes_ = 0;
};

// One level deeper while it lives; throws Error below the deepest.
class Deeper {
 public:
  Deeper();
  ~Deeper();
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
};

}  // namespace cohort::jinja
