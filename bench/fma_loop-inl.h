// The ceiling of every benchmark of a kernel: independent FMAs in registers. Included once per Highway
// target.
#if defined(COHORT_BENCH_FMA_LOOP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_BENCH_FMA_LOOP_INL_H_
#undef COHORT_BENCH_FMA_LOOP_INL_H_
#else
#define COHORT_BENCH_FMA_LOOP_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {

// `steps` times 12 independent FMAs; returns the flops of it.
inline double FmaLoop(int64_t steps, float* sink) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 16> d;
  hn::Vec<decltype(d)> acc[12];
  for (int i = 0; i < 12; ++i) acc[i] = hn::Set(d, static_cast<float>(i));
  const auto a = hn::Set(d, 0.5f), b = hn::Set(d, 1.0f);
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) acc[i] = hn::MulAdd(acc[i], a, b);
  }
  for (int i = 1; i < 12; ++i) acc[0] = hn::Add(acc[0], acc[i]);
  *sink = hn::GetLane(acc[0]);
  return static_cast<double>(steps) * 12 * 2 * static_cast<double>(hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
