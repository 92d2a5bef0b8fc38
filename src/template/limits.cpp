#include "template/limits.h"

#include <limits>

#include "base/check.h"

namespace cohort::jinja {
namespace {

constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();
constexpr int32_t kDepthAlways = 600;  // of values that are gone over outside a rendering

struct Account {
  Limits limits{kUnbounded, kUnbounded, kUnbounded, kDepthAlways};
  int64_t steps = 0;
  int64_t memory = 0;  // of all values of this thread
  int64_t memory_max = kUnbounded;
  int32_t depth = 0;
};
thread_local Account account;

}  // namespace

Meter::Meter(const Limits& limits) {
  account.limits = limits;
  account.steps = 0;
  account.depth = 0;
  account.memory_max = account.memory + limits.memory;
}

Meter::~Meter() {
  const int64_t memory = account.memory;
  account = Account();
  account.memory = memory;
}

void spend(int64_t steps) {
  if ((account.steps += steps) > account.limits.steps)
    fail("stopped after {} steps: the template loops for too long", account.limits.steps);
}

void check_output(uint64_t bytes) {
  if (bytes > static_cast<uint64_t>(account.limits.output))
    fail("stopped after {} bytes of output: the template writes too much", account.limits.output);
}

Footprint::Footprint(uint64_t bytes) { grow(bytes); }

Footprint::~Footprint() { account.memory -= bytes_; }

void Footprint::grow(uint64_t bytes) {
  const auto more = static_cast<int64_t>(bytes);
  if (more < 0 || more > account.memory_max - account.memory)
    fail("stopped at {} bytes of values: the template needs too much memory", account.limits.memory);
  account.memory += more;
  bytes_ += more;
}

Deeper::Deeper() {
  if (++account.depth > account.limits.depth) {
    --account.depth;
    fail("nested deeper than {} levels", account.limits.depth);
  }
}

Deeper::~Deeper() { --account.depth; }

}  // namespace cohort::jinja
