// exp for softmax: arguments that are at most about 0. Half the work of Highway's Exp, which covers all
// floats. Included once per Highway target.
#if defined(COHORT_OPS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COHORT_OPS_EXP_INL_H_
#undef COHORT_OPS_EXP_INL_H_
#else
#define COHORT_OPS_EXP_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {

// Below this, exp would be subnormal: it counts as 0.
inline constexpr float kExpLowest = -87.0f;

// exp(x) for kExpLowest <= x <= 88 within 1 unit in the last place; exactly 1 at 0. Other arguments give
// nonsense.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V ExpBounded(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // x = q ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  const V magic = hn::Set(d, 0x1.8p23f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 0x1.715476p+0f), magic);
  const V q = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(q, hn::Set(d, 0x1.62e430p-1f), x);
  r = hn::NegMulAdd(q, hn::Set(d, -0x1.05c610p-29f), r);
  // exp(r) = 1 + r + r^2 p(r); p is the minimax fit of degree 4, relative error 4e-9.
  const V r2 = hn::Mul(r, r);
  V p = hn::MulAdd(hn::Set(d, 0x1.6a23d0p-10f), r, hn::Set(d, 0x1.123a20p-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.5558f2p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555492p-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffcp-2f));
  const V e = hn::Add(hn::Set(d, 1.0f), hn::MulAdd(p, r2, r));
  // Times 2^q, by adding q to the exponent's bits.
  return hn::BitCast(d, hn::Add(hn::BitCast(di, e), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

// exp(x) for x <= 88, 0 where x < kExpLowest. NaN gives 0: callers look for it elsewhere.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V ExpOrZero(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V low = hn::Set(d, kExpLowest);
  return hn::IfThenElseZero(hn::Ge(x, low), ExpBounded(d, hn::Max(x, low)));
}

}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#endif
