// Sixteen fixed lanes as whole vectors: element i belongs to lane i mod 16 whatever the vector width, so a
// reduction has the same bits on AVX-512 (one vector), AVX2 (two) and NEON (four). Included once per Highway
// target.
#if defined(COHORT_OPS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_LANES_INL_H_
#undef COHORT_OPS_LANES_INL_H_
#else
#define COHORT_OPS_LANES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "ops/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {

using LaneTag = hwy::HWY_NAMESPACE::CappedTag<float, 16>;
using LaneVector = hwy::HWY_NAMESPACE::Vec<LaneTag>;
inline constexpr int kVectorLanes = static_cast<int>(hwy::HWY_NAMESPACE::MaxLanes(LaneTag()));
inline constexpr int kLaneVectors = 16 / kVectorLanes;

struct Lanes16 {
  LaneVector v[kLaneVectors];
  HWY_INLINE Lanes16(LaneTag d, float value) {
    for (LaneVector& x : v) x = hwy::HWY_NAMESPACE::Set(d, value);
  }
  HWY_INLINE void Store(float* lanes) const {
    for (int k = 0; k < kLaneVectors; ++k)
      hwy::HWY_NAMESPACE::StoreU(v[k], LaneTag(), lanes + k * kVectorLanes);
  }
};

// body(p) for each group of 16 floats of x; the last group is filled up with `pad`.
template <class Body>
HWY_INLINE void ForEachGroup(int64_t count, const float* x, float pad, Body body) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) body(x + i);
  if (i == count) return;
  HWY_ALIGN float last[16];
  std::fill(std::copy(x + i, x + count, last), last + 16, pad);
  body(last);
}

// body(from, to) for each group of 16 floats, computing 16 results; x and y may be the same.
template <class Body>
HWY_INLINE void TransformGroups(int64_t count, const float* x, float* y, float pad, Body body) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) body(x + i, y + i);
  if (i == count) return;
  HWY_ALIGN float from[16], to[16];
  std::fill(std::copy(x + i, x + count, from), from + 16, pad);
  body(from, to);
  std::copy(to, to + (count - i), y + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
