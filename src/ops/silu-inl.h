// silu(z) = z / (1 + exp(-z)) and its derivative, lane by lane: the same bits at every vector width. Included
// once per Highway target (inside foreach_target), after "hwy/highway.h".
#if defined(COHORT_OPS_SILU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_SILU_INL_H_
#undef COHORT_OPS_SILU_INL_H_
#else
#define COHORT_OPS_SILU_INL_H_
#endif

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {

// exp(-104) rounds to 0 and exp(104) to infinity; hwy's Exp must not be asked beyond. Comparisons keep NaN as
// NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V SiluClampLow(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V low = hn::Set(d, -104.0f);
  return hn::IfThenElse(hn::Lt(z, low), low, z);
}

// z / (1 + exp(-z)), a true division. Below -104 the result is -0; NaN gives NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V Silu(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V c = SiluClampLow(d, z);
  return hn::Div(c, hn::Add(hn::Set(d, 1.0f), hn::Exp(d, hn::Neg(c))));
}

// silu'(z) = s * (1 + z * (1 - s)) with s = 1 / (1 + exp(-z)). 0 far below, 1 far above; NaN gives NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V SiluGrad(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f);
  const V high = hn::Set(d, 104.0f);
  const V low = SiluClampLow(d, z);
  const V c = hn::IfThenElse(hn::Gt(low, high), high, low);
  const V s = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(c))));
  return hn::Mul(s, hn::MulAdd(c, hn::Sub(one, s), one));
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
