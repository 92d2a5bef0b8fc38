// Complex numbers with a bound on their error. MPFR rounds correctly, so every machine gets the same bits.
#pragma once

#include <gmpxx.h>
#include <mpfr.h>

#include <cstdint>

namespace cohort::math {

inline constexpr int kBits = 256;            // of a mantissa, unless a Precision asks for more
inline constexpr int64_t kMaxLog = 1 << 26;  // of a magnitude's logarithm to base 2; beyond: Unjudgeable
inline constexpr int64_t kExact = INT64_MIN / 4;

// The bits of the mantissas made from now on, and how far apart the magnitudes of the values made since are.
struct Digits {
  int bits = kBits;
  int64_t least = 0, greatest = 0;  // logarithms to base 2

  void reset() { least = greatest = 0; }
  void note(int64_t log2) {
    if (log2 < least) least = log2;
    if (log2 > greatest) greatest = log2;
  }
  int64_t spread() const { return greatest - least; }
};
inline thread_local Digits digits_now;

// Mantissas of so many bits while it lives.
class Precision {
 public:
  explicit Precision(int bits) : before_(digits_now.bits) { digits_now.bits = bits; }
  ~Precision() { digits_now.bits = before_; }
  Precision(const Precision&) = delete;
  Precision& operator=(const Precision&) = delete;

 private:
  int before_;
};

// A floating-point number of digits_now.bits.
class Real {
 public:
  Real() { mpfr_init2(value_, digits_now.bits), mpfr_set_zero(value_, 1); }
  explicit Real(long v) : Real() { mpfr_set_si(value_, v, MPFR_RNDN); }
  explicit Real(const mpq_class& q) : Real() { mpfr_set_q(value_, q.get_mpq_t(), MPFR_RNDN); }
  Real(const Real& o) : Real() { mpfr_set(value_, o.value_, MPFR_RNDN); }
  Real(Real&& o) noexcept : Real() { mpfr_swap(value_, o.value_); }
  Real& operator=(const Real& o) {
    mpfr_set(value_, o.value_, MPFR_RNDN);
    return *this;
  }
  Real& operator=(Real&& o) noexcept {
    mpfr_swap(value_, o.value_);
    return *this;
  }
  ~Real() { mpfr_clear(value_); }

  mpfr_ptr get() { return value_; }
  mpfr_srcptr get() const { return value_; }
  bool zero() const { return mpfr_zero_p(value_); }
  int sign() const { return mpfr_sgn(value_); }
  int64_t log2() const {
    return zero() ? kExact : mpfr_get_exp(value_);
  }  // |value| < 2^log2, and >= half of that

 private:
  mpfr_t value_;
};

// The number meant lies within 2^error of re + i im in the complex plane (kExact: it is that number).
struct Ball {
  Real re, im;
  int64_t error = kExact;

  Ball() = default;
  explicit Ball(const mpq_class& q);
  int64_t log2() const;      // an upper bound of the logarithm of the magnitude of re + i im
  bool may_be_zero() const;  // zero lies within
  bool real() const;         // the imaginary part is zero within the error
  int sign() const { return re.sign(); }
};

// All throw Undefined (division by zero, logarithm of zero) where the result is none, and Unjudgeable where
// a magnitude leaves kMaxLog.
struct Undefined {};

Ball ball_i();
Ball ball_pi();
Ball operator+(const Ball& a, const Ball& b);
Ball operator-(const Ball& a, const Ball& b);
Ball operator*(const Ball& a, const Ball& b);
Ball operator/(const Ball& a, const Ball& b);
Ball operator-(const Ball& a);

// The principal values.
Ball exp(const Ball& a);
Ball log(const Ball& a);
Ball sqrt(const Ball& a);
Ball pow(const Ball& a, const Ball& b);
Ball sin(const Ball& a);
Ball cos(const Ball& a);
Ball asin(const Ball& a);
Ball atan(const Ball& a);
Ball abs(const Ball& a);
Ball gamma(const Ball& a);                       // real arguments up to 10^5
Ball real_root(const Ball& a, unsigned long n);  // of a real number, negative where n is odd

// The integer below or at a real number: one within the error counts as reached.
mpz_class floor_of(const Ball& a);

}  // namespace cohort::math
