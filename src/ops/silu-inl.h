// silu(z) = z / (1 + exp(-z)) and its derivative, lane by lane: the same bits at every vector width. Included
// once per Highway target (inside foreach_target), after "hwy/highway.h".
#if defined(COHORT_OPS_SILU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_SILU_INL_H_
#undef COHORT_OPS_SILU_INL_H_
#else
#define COHORT_OPS_SILU_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {

// z, or kExpLowest where z is less: silu is below 2e-36 there. NaN stays NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V SiluClamp(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V low = hn::Set(d, kExpLowest);
  return hn::IfThenElse(hn::Lt(z, low), low, z);
}

// 1 + exp(-z) for a clamped z; far above, exp(-z) is next to nothing.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V OnePlusExpNeg(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::Add(hn::Set(d, 1.0f), ExpBounded(d, hn::Max(hn::Neg(z), hn::Set(d, kExpLowest))));
}

// z / (1 + exp(-z)), a true division.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V Silu(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V c = SiluClamp(d, z);
  return hn::Div(c, OnePlusExpNeg(d, c));
}

// With s = 1 / (1 + exp(-z)): silu = z * s and its derivative s * (1 + z * (1 - s)); `forward` is what Silu
// gives.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE void SiluAndGrad(D d, V z, V& silu, V& grad, V& forward) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f);
  const V c = SiluClamp(d, z), divisor = OnePlusExpNeg(d, c);
  const V s = hn::Div(one, divisor);
  forward = hn::Div(c, divisor);
  silu = hn::Mul(c, s);
  grad = hn::Mul(s, hn::MulAdd(c, hn::Sub(one, s), one));
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
