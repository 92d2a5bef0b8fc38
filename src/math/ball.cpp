#include "math/ball.h"

#include <algorithm>
#include <utility>

#include "math/expr.h"

namespace cohort::math {
namespace {

// The last bit of a number of this magnitude, and the checks that every result passes.
Ball finish(Ball r, int64_t error) {
  if (!mpfr_number_p(r.re.get()) || !mpfr_number_p(r.im.get()))
    throw Unjudgeable("a value too large to calculate");
  const int64_t size = r.log2();
  if (size > kMaxLog) throw Unjudgeable("a value too large to calculate");
  if (size != kExact) error = std::max(error, size - digits_now.bits + 2);
  if (size != kExact && size - 2 > error) digits_now.note(size);
  r.error = error == kExact ? kExact : std::max<int64_t>(error, -8 * kMaxLog);
  return r;
}

int64_t plus(int64_t error, int64_t shift) { return error <= kExact ? kExact : error + shift; }

template <class F>
Ball real_function(const Ball& a, const F& f, int64_t error) {
  Ball r;
  f(r.re.get(), a.re.get(), MPFR_RNDN);
  return finish(std::move(r), error);
}

}  // namespace

Ball::Ball(const mpq_class& q) : re(q) {
  if (re.zero()) return;
  error = re.log2() - digits_now.bits + 1;
  digits_now.note(re.log2());
  const size_t bottom = mpz_sizeinbase(q.get_den_mpz_t(), 2);
  if (bottom > 64) digits_now.note(-static_cast<int64_t>(bottom));  // 1 - 10^{-60}
}

int64_t Ball::log2() const {
  const int64_t a = re.log2(), b = im.log2();
  return im.zero() ? a : std::max(a, b) + 1;
}

bool Ball::may_be_zero() const {
  if (re.zero() && im.zero()) return true;
  return error > kExact && std::max(re.log2(), im.log2()) - 1 <= error;
}

bool Ball::real() const { return im.zero() || im.log2() - 1 <= error; }

Ball ball_i() {
  Ball r;
  r.im = Real(1L);
  return r;
}

Ball ball_pi() {
  Ball r;
  mpfr_const_pi(r.re.get(), MPFR_RNDN);
  r.error = 3 - digits_now.bits;
  return r;
}

Ball operator+(const Ball& a, const Ball& b) {
  Ball r;
  mpfr_add(r.re.get(), a.re.get(), b.re.get(), MPFR_RNDN);
  mpfr_add(r.im.get(), a.im.get(), b.im.get(), MPFR_RNDN);
  return finish(std::move(r), plus(std::max(a.error, b.error), 1));
}

Ball operator-(const Ball& a) {
  Ball r = a;
  mpfr_neg(r.re.get(), r.re.get(), MPFR_RNDN);
  mpfr_neg(r.im.get(), r.im.get(), MPFR_RNDN);
  return r;
}

Ball operator-(const Ball& a, const Ball& b) { return a + -b; }

Ball operator*(const Ball& a, const Ball& b) {
  Ball r;
  if (a.im.zero() && b.im.zero()) {
    mpfr_mul(r.re.get(), a.re.get(), b.re.get(), MPFR_RNDN);
  } else {
    mpfr_fmms(r.re.get(), a.re.get(), b.re.get(), a.im.get(), b.im.get(), MPFR_RNDN);
    mpfr_fmma(r.im.get(), a.re.get(), b.im.get(), a.im.get(), b.re.get(), MPFR_RNDN);
  }
  int64_t error = kExact;
  if (a.error > kExact) error = std::max(error, a.error + std::max(b.log2(), b.error));
  if (b.error > kExact) error = std::max(error, b.error + std::max(a.log2(), a.error));
  return finish(std::move(r), plus(std::max(error, kExact), 1));
}

Ball operator/(const Ball& a, const Ball& b) {
  if (b.may_be_zero()) throw Undefined{};
  Ball inverse;
  if (b.im.zero()) {
    mpfr_ui_div(inverse.re.get(), 1, b.re.get(), MPFR_RNDN);
  } else {
    Real norm;
    mpfr_fmma(norm.get(), b.re.get(), b.re.get(), b.im.get(), b.im.get(), MPFR_RNDN);
    mpfr_div(inverse.re.get(), b.re.get(), norm.get(), MPFR_RNDN);
    mpfr_div(inverse.im.get(), b.im.get(), norm.get(), MPFR_RNDN);
    mpfr_neg(inverse.im.get(), inverse.im.get(), MPFR_RNDN);
  }
  const int64_t least = std::max(b.re.log2(), b.im.log2()) - 1;  // |b| >= 2^least
  return a * finish(std::move(inverse), b.error <= kExact ? kExact : b.error - 2 * least + 3);
}

Ball exp(const Ball& a) {
  if (a.log2() > 40 || a.error > 0) throw Unjudgeable("a value too large to calculate");
  Ball r;
  Real size, sine, cosine;
  mpfr_exp(size.get(), a.re.get(), MPFR_RNDN);
  if (a.im.zero()) {
    r.re = size;
  } else {
    mpfr_sin_cos(sine.get(), cosine.get(), a.im.get(), MPFR_RNDN);
    mpfr_mul(r.re.get(), size.get(), cosine.get(), MPFR_RNDN);
    mpfr_mul(r.im.get(), size.get(), sine.get(), MPFR_RNDN);
  }
  if (!mpfr_number_p(size.get())) throw Unjudgeable("a value too large to calculate");
  return finish(std::move(r), plus(a.error, size.log2() + 2));
}

Ball log(const Ball& a) {
  if (a.may_be_zero()) throw Undefined{};
  Ball r;
  if (a.real() && a.re.sign() > 0) {
    mpfr_log(r.re.get(), a.re.get(), MPFR_RNDN);
  } else {
    Real norm;
    mpfr_hypot(norm.get(), a.re.get(), a.im.get(), MPFR_RNDN);
    mpfr_log(r.re.get(), norm.get(), MPFR_RNDN);
    if (a.real())
      mpfr_const_pi(r.im.get(), MPFR_RNDN);  // on the cut: from above
    else
      mpfr_atan2(r.im.get(), a.im.get(), a.re.get(), MPFR_RNDN);
  }
  const int64_t least = std::max(a.re.log2(), a.im.log2()) - 1;
  return finish(std::move(r), std::max(plus(a.error, 2 - least), int64_t{4} - digits_now.bits));
}

Ball sqrt(const Ball& a) {
  if (a.may_be_zero()) {
    Ball r;
    if (a.error > kExact) r.error = a.error / 2 + 2;
    return r;
  }
  if (a.real()) {
    Ball r;
    mpfr_abs(r.re.get(), a.re.get(), MPFR_RNDN);
    const int64_t half = r.re.log2() / 2 - 1;
    mpfr_sqrt(r.re.get(), r.re.get(), MPFR_RNDN);
    if (a.re.sign() < 0) std::swap(r.re, r.im);
    return finish(std::move(r), plus(a.error, 1 - half));
  }
  Ball half;
  half.re = Real(mpq_class(1, 2));
  return exp(log(a) * half);
}

Ball pow(const Ball& a, const Ball& b) {
  if (a.may_be_zero()) {
    if (!b.real() || b.re.sign() <= 0 || b.may_be_zero()) throw Undefined{};
    Ball r;
    if (a.error > kExact) r.error = b.log2() >= 2 ? a.error + 2 : a.error / 8;
    return r;
  }
  return exp(log(a) * b);
}

Ball sin(const Ball& a) {
  if (a.log2() > 200) throw Unjudgeable("an angle too large to calculate");
  if (a.im.zero())
    return real_function(a, mpfr_sin, std::max(plus(a.error, 1), int64_t{2} - digits_now.bits));
  const Ball e = exp(a * ball_i());
  Ball two_i = ball_i();
  two_i.im = Real(2L);
  return (e - Ball(mpq_class(1)) / e) / two_i;
}

Ball cos(const Ball& a) {
  if (a.log2() > 200) throw Unjudgeable("an angle too large to calculate");
  if (a.im.zero())
    return real_function(a, mpfr_cos, std::max(plus(a.error, 1), int64_t{2} - digits_now.bits));
  const Ball e = exp(a * ball_i());
  return (e + Ball(mpq_class(1)) / e) / Ball(mpq_class(2));
}

Ball asin(const Ball& a) {
  if (a.im.zero() && mpfr_cmpabs_ui(a.re.get(), 1) <= 0) {
    const bool near_edge = a.re.log2() >= 0;  // the slope grows without bound there
    const int64_t error = a.error <= kExact ? kExact : near_edge ? a.error / 2 + 4 : a.error + 2;
    return real_function(a, mpfr_asin, std::max(error, int64_t{2} - digits_now.bits));
  }
  const Ball one(mpq_class(1));  // -i log(iz + sqrt(1 - z^2))
  return -(ball_i() * log(ball_i() * a + sqrt(one - a * a)));
}

Ball atan(const Ball& a) {
  if (a.im.zero())
    return real_function(a, mpfr_atan, std::max(plus(a.error, 1), int64_t{2} - digits_now.bits));
  const Ball one(mpq_class(1)), iz = ball_i() * a;
  return ball_i() * (log(one - iz) - log(one + iz)) / Ball(mpq_class(2));
}

Ball abs(const Ball& a) {
  Ball r;
  mpfr_hypot(r.re.get(), a.re.get(), a.im.get(), MPFR_RNDN);
  return finish(std::move(r), a.error);
}

Ball gamma(const Ball& a) {
  if (!a.real() || a.log2() > 17 || a.error > -16) throw Unjudgeable("a factorial too large to calculate");
  if (mpfr_integer_p(a.re.get()) && a.re.sign() <= 0) throw Undefined{};
  Ball r;
  mpfr_gamma(r.re.get(), a.re.get(), MPFR_RNDN);
  if (!mpfr_number_p(r.re.get())) throw Undefined{};
  Real fraction;
  mpfr_frac(fraction.get(), a.re.get(), MPFR_RNDN);
  const int64_t pole = a.re.sign() < 0 && !fraction.zero() ? std::max<int64_t>(0, -fraction.log2()) : 0;
  return finish(std::move(r), plus(a.error, r.log2() + 6 + pole));
}

Ball real_root(const Ball& a, unsigned long n) {
  if (a.may_be_zero()) {
    Ball r;
    if (a.error > kExact) r.error = a.error / static_cast<int64_t>(n) + 2;
    return r;
  }
  Ball r;
  mpfr_rootn_ui(r.re.get(), a.re.get(), n, MPFR_RNDN);
  if (!mpfr_number_p(r.re.get())) throw Undefined{};
  return finish(std::move(r), plus(a.error, r.log2() - a.re.log2() + 2));
}

mpz_class floor_of(const Ball& a) {
  if (a.log2() > 4096) throw Unjudgeable("a value too large to round");
  mpz_class nearest;
  mpfr_get_z(nearest.get_mpz_t(), a.re.get(), MPFR_RNDN);
  Real distance;
  mpfr_sub_z(distance.get(), a.re.get(), nearest.get_mpz_t(), MPFR_RNDN);
  if (distance.zero() || distance.log2() - 1 <= a.error) return nearest;
  mpfr_get_z(nearest.get_mpz_t(), a.re.get(), MPFR_RNDD);
  return nearest;
}

}  // namespace cohort::math
