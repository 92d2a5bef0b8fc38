#include "math/evaluate.h"

#include <algorithm>
#include <cmath>

#include "math/elementary.h"
#include "math/integer_functions.h"

namespace cohort::math {
namespace {

uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15ull;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9ull;
  return h ^ (h >> 32);
}

uint64_t hash(std::string_view text, uint64_t h = 0x243F6A8885A308D3ull) {
  for (const char c : text) h = mix(h, static_cast<unsigned char>(c));
  return h;
}

long bits(const mpq_class& q) {
  return static_cast<long>(mpz_sizeinbase(q.get_num_mpz_t(), 2) + mpz_sizeinbase(q.get_den_mpz_t(), 2));
}

class Evaluator {
 public:
  Evaluator(const Reading& reading, Work& work) : reading_(reading), work_(work) {}

  Value value(const Expr& e) {
    work_.spend(1);
    switch (e.kind) {
      case Kind::number:
        return e.value;
      case Kind::constant:
        return constant_value(e.name);
      case Kind::symbol:
        for (auto it = bound_.rbegin(); it != bound_.rend(); ++it)
          if (it->first == e.name) return it->second;
        return point(e.name, reading_);
      case Kind::add: {
        Value total = mpq_class(0);
        for (const Expr& a : e.args) total = add(std::move(total), value(a));
        return total;
      }
      case Kind::multiply: {
        Value total = mpq_class(1);
        for (const Expr& a : e.args) total = multiply(std::move(total), value(a));
        return total;
      }
      case Kind::power:
        return power_value(e.args[0], e.args[1]);
      case Kind::function:
        return function_value(e);
      case Kind::call:
        return fingerprint(e);
      case Kind::ratio:
        if (e.args.size() == 2) return divide(value(e.args[0]), value(e.args[1]));
        [[fallthrough]];
      default:
        throw Unjudgeable("a collection where a value was expected");
    }
  }

 private:
  Value constant_value(const std::string& name) {
    if (name == "oo") return Infinity{1};
    if (name == "pi") return ball_pi();
    if (name == "e") return exp(Ball(mpq_class(1)));
    return ball_i();
  }

  static Value settle(mpq_class q) {
    if (bits(q) > kMaxExactBits) return Ball(q);
    return q;
  }

  Value add(Value a, Value b) {
    if (std::holds_alternative<mpq_class>(a) && std::holds_alternative<mpq_class>(b)) {
      work_.spend(1 + (bits(std::get<mpq_class>(a)) + bits(std::get<mpq_class>(b))) / 256);
      return settle(std::get<mpq_class>(a) + std::get<mpq_class>(b));
    }
    if (const auto* x = std::get_if<Infinity>(&a)) {
      if (const auto* y = std::get_if<Infinity>(&b); y && y->sign != x->sign) throw Undefined{};
      return *x;
    }
    if (const auto* y = std::get_if<Infinity>(&b)) return *y;
    work_.spend(2);
    return to_ball(a) + to_ball(b);
  }

  Value multiply(Value a, Value b) {
    if (std::holds_alternative<mpq_class>(a) && std::holds_alternative<mpq_class>(b)) {
      const long x = bits(std::get<mpq_class>(a)), y = bits(std::get<mpq_class>(b));
      work_.spend(1 + (x + y) / 128);
      return settle(std::get<mpq_class>(a) * std::get<mpq_class>(b));
    }
    if (std::holds_alternative<Infinity>(a) || std::holds_alternative<Infinity>(b)) {
      const int sign = sign_of(a) * sign_of(b);
      if (sign == 0) throw Undefined{};
      return Infinity{sign};
    }
    work_.spend(3);
    return to_ball(a) * to_ball(b);
  }

  Value divide(Value a, Value b) {
    if (std::holds_alternative<Infinity>(b)) {
      if (std::holds_alternative<Infinity>(a)) throw Undefined{};
      return mpq_class(0);
    }
    return multiply(std::move(a), reciprocal(std::move(b)));
  }

  Value reciprocal(Value v) {
    if (const auto* q = std::get_if<mpq_class>(&v)) {
      if (*q == 0) throw Undefined{};
      return mpq_class(1) / *q;
    }
    if (std::holds_alternative<Infinity>(v)) return mpq_class(0);
    work_.spend(4);
    return Ball(mpq_class(1)) / std::get<Ball>(v);
  }

  Value power_value(const Expr& base, const Expr& exponent) {
    const Value b = value(exponent);
    if (base.kind == Kind::constant && base.name == "e" && !std::holds_alternative<Infinity>(b)) {
      work_.spend(40);
      const auto* q = std::get_if<mpq_class>(&b);
      return q && *q == 0 ? Value(mpq_class(1)) : Value(exp(to_ball(b)));
    }
    return power_of(value(base), b);
  }

  Value power_of(const Value& a, const Value& b) {
    if (std::holds_alternative<Infinity>(a) || std::holds_alternative<Infinity>(b))
      return infinite_power(a, b);
    const auto* x = std::get_if<mpq_class>(&a);
    const auto* y = std::get_if<mpq_class>(&b);
    if (x && y) {
      if (const auto exact = exact_power(*x, *y, work_, !reading_.complex_values)) return *exact;
    }
    if (y && y->get_den() == 1 && y->get_num().fits_slong_p() && std::abs(y->get_num().get_si()) <= 64) {
      const long n = y->get_num().get_si();  // by squaring: no branch of a logarithm
      Ball result(mpq_class(1)), square = to_ball(a);
      for (long k = std::abs(n); k > 0; k >>= 1) {
        work_.spend(6);
        if (k & 1) result = result * square;
        if (k > 1) square = square * square;
      }
      return n < 0 ? Ball(mpq_class(1)) / result : result;
    }
    work_.spend(80);
    const Ball base = to_ball(a), power = to_ball(b);
    const bool half = y && *y == mpq_class(1, 2);
    if (!reading_.complex_values && base.real() && !base.may_be_zero() && base.sign() < 0) {
      if (!y || mpz_even_p(y->get_den_mpz_t())) throw Outside{};
      if (!y->get_den().fits_ulong_p()) throw Outside{};
      const Ball root = real_root(base, y->get_den().get_ui());
      return power_of(Value(root), Value(mpq_class(y->get_num())));
    }
    return half ? sqrt(base) : pow(base, power);
  }

  Value infinite_power(const Value& a, const Value& b) {
    if (const auto* y = std::get_if<Infinity>(&b)) {
      const int side = std::holds_alternative<Infinity>(a) ? 1 : compare(a, Value(mpq_class(1)));
      if (side == 0 || sign_of(a) <= 0) throw Undefined{};
      if ((side > 0) == (y->sign > 0)) return Infinity{1};
      return mpq_class(0);
    }
    const int direction = sign_of(b);
    if (direction == 0) throw Undefined{};
    if (direction < 0) return mpq_class(0);
    if (std::get<Infinity>(a).sign > 0) return Infinity{1};
    throw Undefined{};
  }

  // A function of a real argument that is undefined outside it.
  Ball argument(const Expr& e, size_t i = 0) {
    work_.spend(60);
    return to_ball(value(e.args[i]));
  }
  void need_real(bool inside) const {
    if (!reading_.complex_values && !inside) throw Outside{};
  }

  Ball logarithm(const Expr& e, size_t i) {
    const Ball a = argument(e, i);
    need_real(a.real() && (a.sign() > 0 || a.may_be_zero()));
    return log(a);
  }

  Value function_value(const Expr& e) {
    const std::string& f = e.name;
    const bool pair = f == "log" || f == "root" || f == "binomial" || f == "mod";
    if (e.args.empty() || (pair && e.args.size() != 2))
      throw Unjudgeable(f + " with another number of arguments");
    if (f == "percent")
      return multiply(value(e.args[0]), reading_.percent_is_hundredth ? mpq_class(1, 100) : mpq_class(1));
    if (f == "degree") {
      Value v = value(e.args[0]);
      return reading_.degrees_are_radians ? multiply(multiply(std::move(v), ball_pi()), mpq_class(1, 180))
                                          : v;
    }
    if (f == "ln") {
      const Value v = value(e.args[0]);
      if (const auto* inf = std::get_if<Infinity>(&v); inf && inf->sign > 0) return *inf;
      if (const auto* q = std::get_if<mpq_class>(&v); q && *q == 1) return mpq_class(0);
      return logarithm(e, 0);
    }
    if (f == "log") {
      const Ball top = logarithm(e, 0);
      return top / logarithm(e, 1);
    }
    if (f == "abs") {
      const Value v = value(e.args[0]);
      if (const auto* q = std::get_if<mpq_class>(&v)) return mpq_class(::abs(*q));
      if (std::holds_alternative<Infinity>(v)) return Infinity{1};
      return abs(std::get<Ball>(v));
    }
    if (f == "floor" || f == "ceil" || f == "sign") return rounded(f, value(e.args[0]));
    if (f == "root") return root(value(e.args[0]), value(e.args[1]));
    if (f == "factorial") return factorial(value(e.args[0]));
    if (f == "binomial") return binomial(value(e.args[0]), value(e.args[1]));
    if (f == "max" || f == "min") {
      Value best = value(e.args[0]);
      for (size_t i = 1; i < e.args.size(); ++i) {
        Value v = value(e.args[i]);
        if ((compare(v, best) > 0) == (f == "max") && compare(v, best) != 0) best = std::move(v);
      }
      return best;
    }
    if (f == "mod") return modulo(value(e.args[0]), value(e.args[1]));
    if (f == "gcd" || f == "lcm") {
      if (reading_.integer_gcd || free_symbols(e).empty()) {
        std::vector<mpq_class> numbers;
        for (const Expr& a : e.args)
          if (const Value v = value(a); const auto* q = std::get_if<mpq_class>(&v)) numbers.push_back(*q);
        if (numbers.size() == e.args.size())
          return f == "gcd" ? gcd_of(numbers, work_) : lcm_of(numbers, work_);
      }
      return value(f == "gcd" ? symbolic_gcd(e.args) : symbolic_lcm(e.args));
    }
    if (f == "Sum" || f == "Product") return repeated(e);
    if (f == "det") return determinant(e.args[0]);
    if (f == "conj") {
      Ball z = argument(e);
      mpfr_neg(z.im.get(), z.im.get(), MPFR_RNDN);
      return z;
    }
    if (f == "re" || f == "im") {
      Ball z = argument(e);
      if (f == "im") std::swap(z.re, z.im);
      z.im = Real();
      return z;
    }
    if (f == "pm" || f == "mp") throw Unjudgeable("a plus-minus sign inside a value");
    if (e.args.size() == 1 && is_elementary(f)) {
      const Value v = value(e.args[0]);
      if (const auto* inf = std::get_if<Infinity>(&v); inf && f == "arctan")
        return ball_pi() / Ball(mpq_class(2 * inf->sign));
      work_.spend(60);
      return elementary(f, to_ball(v), !reading_.complex_values);
    }
    return fingerprint(e);
  }

  Value rounded(const std::string& f, const Value& v) {
    if (f == "sign") return mpq_class(sign_of(v));
    mpz_class out;
    if (const auto* q = std::get_if<mpq_class>(&v)) {
      if (f == "floor")
        mpz_fdiv_q(out.get_mpz_t(), q->get_num_mpz_t(), q->get_den_mpz_t());
      else
        mpz_cdiv_q(out.get_mpz_t(), q->get_num_mpz_t(), q->get_den_mpz_t());
    } else {
      const Ball b = to_ball(v);
      if (!b.real()) throw Outside{};
      out = f == "floor" ? floor_of(b) : mpz_class(-floor_of(-b));
    }
    return mpq_class(out);
  }

  Value root(const Value& a, const Value& n) {
    const auto* index = std::get_if<mpq_class>(&n);
    if (!index || *index == 0) return power_of(a, reciprocal(n));
    const bool odd = index->get_den() == 1 && index->get_num() > 0 && mpz_odd_p(index->get_num_mpz_t());
    if (odd && std::holds_alternative<mpq_class>(a) &&
        sign_of(a) < 0)  // the real root, also among complex numbers
      return multiply(mpq_class(-1), power_of(mpq_class(-std::get<mpq_class>(a)), mpq_class(1) / *index));
    return power_of(a, mpq_class(1) / *index);
  }

  Value factorial(const Value& v) {
    if (const auto* q = std::get_if<mpq_class>(&v); q && q->get_den() == 1) {
      if (*q < 0) throw Undefined{};
      if (*q <= 5000) {
        const unsigned long n = q->get_num().get_ui();
        work_.spend(1 + static_cast<int64_t>(n) / 2);
        mpz_class out;
        mpz_fac_ui(out.get_mpz_t(), n);
        return mpq_class(out);
      }
    }
    work_.spend(20000);
    return gamma(to_ball(v) + Ball(mpq_class(1)));
  }

  Value binomial(const Value& n, const Value& k) {
    const auto* below = std::get_if<mpq_class>(&k);
    if (below && below->get_den() == 1 && *below >= -1000000 && *below <= 1000) {
      if (*below < 0) return mpq_class(0);
      Value out = mpq_class(1);
      const long count = below->get_num().get_si();
      for (long i = 0; i < count; ++i) {
        out = multiply(std::move(out), add(n, mpq_class(-i)));
        out = multiply(std::move(out), mpq_class(1, i + 1));
      }
      return out;
    }
    return divide(factorial(n), multiply(factorial(k), factorial(add(n, multiply(k, mpq_class(-1))))));
  }

  Value modulo(const Value& a, const Value& b) {  // the sign of b
    if (sign_of(b) == 0) throw Undefined{};
    return add(a, multiply(mpq_class(-1), multiply(b, rounded("floor", divide(a, b)))));
  }

  Value repeated(const Expr& e) {
    if (e.args.size() != 4) return fingerprint(e);
    const Value from = value(e.args[2]), to = value(e.args[3]);
    const auto *a = std::get_if<mpq_class>(&from), *b = std::get_if<mpq_class>(&to);
    if (!a || !b || a->get_den() != 1 || b->get_den() != 1) return fingerprint(e);
    const mpq_class count = *b - *a + 1;
    if (count > kMaxTerms)
      throw Unjudgeable("a sum or product of more than " + std::to_string(kMaxTerms) + " terms");
    const bool adds = e.name == "Sum";
    Value total = mpq_class(adds ? 0 : 1);
    for (mpq_class i = *a; i <= *b; i += 1) {
      bound_.emplace_back(e.args[1].name, i);
      Value term = value(e.args[0]);
      bound_.pop_back();
      total = adds ? add(std::move(total), std::move(term)) : multiply(std::move(total), std::move(term));
    }
    return total;
  }

  Value determinant(const Expr& m) {
    if (m.kind != Kind::matrix || m.columns == 0 || std::ssize(m.args) != m.columns * m.columns ||
        m.columns > 8)
      throw Unjudgeable("a determinant of what is no small square matrix");
    std::vector<int> columns(static_cast<size_t>(m.columns));
    for (int i = 0; i < m.columns; ++i) columns[static_cast<size_t>(i)] = i;
    return minor(m, 0, columns);
  }
  Value minor(const Expr& m, int row, const std::vector<int>& columns) {
    if (columns.empty()) return mpq_class(1);
    Value total = mpq_class(0);
    for (size_t i = 0; i < columns.size(); ++i) {
      std::vector<int> left = columns;
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
      Value term =
          multiply(value(m.args[static_cast<size_t>(row * m.columns + columns[i])]), minor(m, row + 1, left));
      total = add(std::move(total), multiply(mpq_class(i % 2 ? -1 : 1), std::move(term)));
    }
    return total;
  }

  // A number in (0, 2) that depends on the name and the arguments' values: equal arguments, equal numbers.
  Value fingerprint(const Expr& e) {
    uint64_t h = hash(e.name);
    const bool variable = has_opaque(e) && e.args.size() >= 2 && e.args[1].kind == Kind::symbol &&
                          e.name != "Derivative" && (e.args.size() > 2 || e.name == "Limit");
    for (size_t i = 0; i < e.args.size(); ++i) {
      if (variable && i == 1) continue;
      if (variable && i == 0) bound_.emplace_back(e.args[1].name, mpq_class(hash(e.name) % 997 + 13, 1009));
      Value v = value(e.args[i]);
      if (variable && i == 0) bound_.pop_back();
      h = mix(h, digest(v));
    }
    return mpq_class(static_cast<unsigned long>(h >> 34), 1u << 29);
  }

  uint64_t digest(const Value& v) {
    if (const auto* inf = std::get_if<Infinity>(&v)) return inf->sign > 0 ? 1 : 2;
    const Ball b = to_ball(v);
    uint64_t h = 3;
    for (const Real* part : {&b.re, &b.im}) {
      if (part->zero() || part->log2() - 1 <= b.error + 60) continue;
      Real rounded = *part;
      mpfr_prec_round(rounded.get(), 120, MPFR_RNDN);
      mpz_class mantissa;
      const mpfr_exp_t exponent = mpfr_get_z_2exp(mantissa.get_mpz_t(), rounded.get());
      h = mix(h, static_cast<uint64_t>(exponent) + mpz_fdiv_ui(mantissa.get_mpz_t(), 4294967291u));
      h = mix(h, mpz_fdiv_ui(mantissa.get_mpz_t(), 4294967279u) + (part->sign() < 0 ? 7 : 0));
      mpfr_prec_round(rounded.get(), digits_now.bits, MPFR_RNDN);
    }
    return h;
  }

  const Reading& reading_;
  Work& work_;
  std::vector<std::pair<std::string, mpq_class>> bound_;
};

}  // namespace

Value evaluate(const Expr& e, const Reading& reading, Work& work) {
  return Evaluator(reading, work).value(e);
}

mpq_class point(std::string_view name, const Reading& reading) {
  const uint64_t h = mix(hash(name), static_cast<uint64_t>(reading.round) + 1);
  if (reading.points == Reading::whole) return mpq_class(static_cast<unsigned long>(h % 12 + 1));
  mpq_class q(static_cast<unsigned long>(h % 3989 + 7), 1201u);  // (0, 3.4)
  if (reading.round % 4 == 3) q /= 4;                            // (0, 0.9): inside the domain of arcsin
  if (reading.points == Reading::mixed && (h >> 40) % 2 == 1) q = -q;
  q.canonicalize();
  return q;
}

}  // namespace cohort::math
