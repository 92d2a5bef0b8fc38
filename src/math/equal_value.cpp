#include <algorithm>

#include "math/equal.h"
#include "math/modular.h"

namespace cohort::math {
namespace {

constexpr const char* kOpaque = "an integral, a limit, a derivative or an endless sum that is not calculated";
constexpr int kAgreeing = 6;          // points that must agree
constexpr int kLeastAgreeing = 3;     // where so few are in both domains
constexpr int kRounds = 24;           // points tried
constexpr int64_t kDecimalBits = 30;  // to which formulas with decimals agree

bool has_decimal(const Expr& e) {
  return any_of(e, [](const Expr& x) { return x.kind == Kind::number && x.decimal; });
}

// Variables that stand for whole numbers: n!, binomials, bounds of sums, (-1)^n.
bool counts(const Expr& e) {
  return any_of(e, [](const Expr& x) {
    if (x.kind == Kind::function &&
        (x.name == "factorial" || x.name == "binomial" || x.name == "Sum" || x.name == "Product" ||
         x.name == "mod" || x.name == "gcd" || x.name == "lcm"))
      return true;
    return x.kind == Kind::power && x.args[0].kind == Kind::number && x.args[0].value < 0 &&
           !free_symbols(x.args[1]).empty();
  });
}

struct Attempt {
  enum { value, undefined, outside } state = undefined;
  Value result;
};

Attempt attempt(const Expr& e, const Reading& reading, Work& work) {
  try {
    return {Attempt::value, evaluate(e, reading, work)};
  } catch (const Undefined&) {
    return {Attempt::undefined, {}};
  } catch (const Outside&) {
    return {Attempt::outside, {}};
  }
}

bool exact(const Value& v) { return !std::holds_alternative<Ball>(v); }

// Whether two values agree to so many bits.
bool within(const Value& a, const Value& b, int64_t bits) {
  if (std::holds_alternative<Infinity>(a) || std::holds_alternative<Infinity>(b)) return false;
  const Ball x = to_ball(a);
  return (x - to_ball(b)).log2() < x.log2() - bits;
}

// Whether the values cannot be told apart although they may differ by 1: not both exact, and of so many digits
// that the last one before the point is not known.
bool indistinct(const Value& a, const Value& b) {
  if (std::holds_alternative<Infinity>(a) || std::holds_alternative<Infinity>(b)) return false;
  if (std::holds_alternative<mpq_class>(a) && std::holds_alternative<mpq_class>(b)) return false;
  const Ball d = to_ball(a) - to_ball(b);
  return d.error > -2 && d.may_be_zero();
}

mpz_class round_to(const Value& v, const mpq_class& scale) {  // half up
  mpz_class out;
  if (const auto* q = std::get_if<mpq_class>(&v)) {
    const mpq_class shifted = *q * scale + mpq_class(1, 2);
    mpz_fdiv_q(out.get_mpz_t(), shifted.get_num_mpz_t(), shifted.get_den_mpz_t());
    return out;
  }
  return floor_of(to_ball(v) * Ball(scale) + Ball(mpq_class(1, 2)));
}

}  // namespace

// Numbers of which one is written with a point: to float_rounding decimals, and where the values are small
// to three digits at least, so that 1e-8 is not 2e-8.
bool Comparer::near(const Value& a, const Value& b) const {
  if (std::holds_alternative<Infinity>(a) || std::holds_alternative<Infinity>(b)) return same_value(a, b);
  const Ball x = to_ball(a), y = to_ball(b);
  if (!x.real() || !y.real()) return same_value(a, b);
  if (same_value(a, b)) return true;
  const int64_t size = std::max(x.re.log2(), y.re.log2());
  int decimals = options_.float_rounding;
  if (size < 0)
    decimals = std::max<int>(
        decimals, std::min(decimals, 3) + static_cast<int>(std::min<int64_t>(-size * 3 / 10, 5000)));
  mpz_class scale;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, static_cast<unsigned long>(decimals));
  return round_to(a, mpq_class(scale)) == round_to(b, mpq_class(scale));
}

Same Comparer::constants(const Expr& a, const Expr& b, Reading reading) {
  Attempt x, y;
  for (const bool complex_values : {false, true}) {
    reading.complex_values = complex_values;
    x = attempt(a, reading, work_);
    y = attempt(b, reading, work_);
    if (x.state != Attempt::outside && y.state != Attempt::outside) break;
  }
  if (x.state != Attempt::value) {
    if (to_text(a) == to_text(b)) return Same::yes;
    return unknown("the expected answer has no value");
  }
  if (y.state != Attempt::value) return Same::no;
  if (indistinct(x.result, y.result)) {  // two integers would look the same
    if (to_text(a) == to_text(b)) return Same::yes;
    if (const auto same = same_remainders(a, b, work_)) return *same ? Same::yes : Same::no;
    too_few_digits_ = true;
    return unknown("a number too large to be compared exactly");
  }
  if (same_value(x.result, y.result)) {
    by_digits_ = by_digits_ || !exact(x.result) || !exact(y.result);
    return Same::yes;
  }
  if ((has_decimal(a) || has_decimal(b)) && near(x.result, y.result)) return Same::yes;
  if (has_opaque(a) || has_opaque(b)) return unknown(kOpaque);
  return Same::no;
}

Same Comparer::identical(const Expr& a, const Expr& b, Reading reading) {
  const auto divisor = [](const Expr& e) {
    return any_of(e, [](const Expr& x) {
      return x.kind == Kind::function && (x.name == "gcd" || x.name == "lcm") && !free_symbols(x).empty();
    });
  };
  if (divisor(a) || divisor(b)) {
    // Variables may be integers: gcd(n, 6) is not 1, whatever it is of polynomials.
    reading.integer_gcd = true;
    if (const Same s = identical_at_points(a, b, reading); s != Same::no) return s;
    reading.integer_gcd = false;
    const Same s = identical_at_points(a, b, reading);
    return s == Same::yes && !options_.polynomial_gcd ? unknown("a divisor of polynomials or of integers")
                                                      : s;
  }
  return identical_at_points(a, b, reading);
}

Same Comparer::identical_at_points(const Expr& a, const Expr& b, Reading reading) {
  const bool whole = counts(a) || counts(b), decimal = has_decimal(a) || has_decimal(b);
  const int wanted = confirming_ ? 1 : kAgreeing;
  bool undecided = false;
  for (const bool complex_values : {false, true}) {
    int agreeing = 0;
    for (int round = 0; round < kRounds && agreeing < wanted; ++round) {
      reading.round = round;
      reading.complex_values = complex_values;
      reading.points = whole ? Reading::whole : round % 2 ? Reading::positive : Reading::mixed;
      const Attempt x = attempt(a, reading, work_);
      if (x.state != Attempt::value) continue;
      const Attempt y = attempt(b, reading, work_);
      if (y.state != Attempt::value) continue;
      try {
        if (!same_value(x.result, y.result) && !(decimal && within(x.result, y.result, kDecimalBits))) {
          if (has_opaque(a) || has_opaque(b)) return unknown(kOpaque);
          return Same::no;
        }
        by_digits_ = by_digits_ || !exact(x.result) || !exact(y.result);
        ++agreeing;
      } catch (const TooFewDigits&) {
        undecided = true;
      }
    }
    if (agreeing >= std::min(wanted, kLeastAgreeing)) return Same::yes;
  }
  if (to_text(a) == to_text(b)) return Same::yes;
  too_few_digits_ = too_few_digits_ || undecided;
  return unknown(undecided ? "too many digits cancel"
                           : "no values of the variables for which both sides are defined");
}

Same Comparer::values(const Expr& a, const Expr& b) {
  if (!is_scalar(a) || !is_scalar(b)) return Same::no;
  if (a.kind == Kind::number && b.kind == Kind::number) {
    if (a.value == b.value) return Same::yes;
    return (a.decimal || b.decimal) && near(a.value, b.value) ? Same::yes : Same::no;
  }
  const bool constant = free_symbols(a).empty() && free_symbols(b).empty();
  const bool percent = has_function(a, "percent") || has_function(b, "percent");
  const bool degree = has_function(a, "degree") || has_function(b, "degree");
  const auto ellipsis = [](const Expr& e) {
    return any_of(e, [](const Expr& x) { return x.kind == Kind::symbol && x.name == "dots"; });
  };
  if (ellipsis(a) || ellipsis(b))
    return to_text(a) == to_text(b) ? Same::yes : unknown("an ellipsis that is not written out");
  if (has_function(a, "cross") || has_function(b, "cross")) {
    if (to_text(a) == to_text(b)) return Same::yes;
    return has_function(a, "cross") && has_function(b, "cross") ? unknown("a vector product in another form")
                                                                : Same::no;
  }
  Same last = Same::no;
  // 0.5% is not 0.5, though 12% is what was meant by 12.
  const bool small = a.kind == Kind::number && a.value > -1 && a.value < 1;
  for (int hundredth = percent && small ? 1 : 0; hundredth <= (percent ? 1 : 0); ++hundredth)
    for (int radians = 0; radians <= (degree ? 1 : 0); ++radians) {
      Reading reading;
      reading.percent_is_hundredth = hundredth != 0;
      reading.degrees_are_radians = radians != 0;
      const Same s = constant ? constants(a, b, reading) : identical(a, b, reading);
      if (s == Same::yes) return s;
      if (s == Same::unknown) last = s;
    }
  return last;
}

}  // namespace cohort::math
