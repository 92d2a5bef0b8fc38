#include "math/integer_functions.h"

#include <map>

namespace cohort::math {
namespace {

mpq_class pair_gcd(const mpq_class& a, const mpq_class& b) {
  mpz_class top, bottom;
  const mpz_class x = a.get_num() * b.get_den(), y = b.get_num() * a.get_den();
  mpz_gcd(top.get_mpz_t(), x.get_mpz_t(), y.get_mpz_t());
  bottom = a.get_den() * b.get_den();
  mpq_class out(top, bottom);
  out.canonicalize();
  return out;
}

mpq_class pair_lcm(const mpq_class& a, const mpq_class& b) {
  if (a == 0 || b == 0) return 0;
  return a * b / pair_gcd(a, b);
}

struct Monomial {
  mpq_class coefficient = 1;
  std::map<std::string, std::pair<const Expr*, long>> factors;  // by text
};

void gather(const Expr& e, long times, Monomial& out) {
  if (e.kind == Kind::number) {
    for (long i = 0; i < std::abs(times); ++i) {
      if (times < 0 && e.value == 0) throw Undefined{};
      out.coefficient *= times > 0 ? e.value : mpq_class(1) / e.value;
    }
  } else if (e.kind == Kind::multiply) {
    for (const Expr& a : e.args) gather(a, times, out);
  } else if (e.kind == Kind::power && is_integer(e.args[1]) && e.args[1].value >= -8 &&
             e.args[1].value <= 8 && std::abs(times) < 64) {
    gather(e.args[0], times * e.args[1].value.get_num().get_si(), out);
  } else if (e.kind == Kind::power && e.args[0].kind == Kind::number && e.args[1].kind == Kind::number) {
    Work work(1000);
    if (const auto exact = exact_power(e.args[0].value, e.args[1].value, work, true))
      gather(number(*exact), times, out);
    else
      out.factors[to_text(e)] = {&e, times};
  } else {
    auto& slot = out.factors[to_text(e)];
    slot.first = &e;
    slot.second += times;
  }
}

Expr rebuild(const mpq_class& coefficient,
             const std::map<std::string, std::pair<const Expr*, long>>& factors) {
  std::vector<Expr> parts;
  parts.push_back(number(coefficient));
  for (const auto& [text, factor] : factors)
    if (factor.second != 0) parts.push_back(power(*factor.first, number(factor.second)));
  return product(std::move(parts));
}

template <bool greatest>
Expr combine(std::span<const Expr> args) {
  Monomial total;
  for (size_t i = 0; i < args.size(); ++i) {
    Monomial m;
    gather(args[i], 1, m);
    if (i == 0) {
      total = m;
      continue;
    }
    const bool integers = total.coefficient.get_den() == 1 && m.coefficient.get_den() == 1;
    mpq_class coefficient = integers ? (greatest ? pair_gcd(total.coefficient, m.coefficient)
                                                 : pair_lcm(total.coefficient, m.coefficient))
                                     : mpq_class(1);
    auto factors = total.factors;
    if (greatest)
      for (auto& [text, factor] : factors) {
        const auto it = m.factors.find(text);
        factor.second = it == m.factors.end() ? 0 : std::min(factor.second, it->second.second);
      }
    else
      for (const auto& [text, factor] : m.factors) {
        auto& slot = factors[text];
        slot = {factor.first, std::max(slot.second, factor.second)};
      }
    total.coefficient = coefficient;
    total.factors = std::move(factors);
  }
  return rebuild(total.coefficient, total.factors);
}

}  // namespace

mpq_class gcd_of(std::span<const mpq_class> numbers, Work& work) {
  mpq_class out = abs(numbers[0]);
  for (const mpq_class& n : numbers.subspan(1)) {
    work.spend(20);
    out = pair_gcd(out, n);
  }
  return out;
}

mpq_class lcm_of(std::span<const mpq_class> numbers, Work& work) {
  mpq_class out = numbers[0];
  for (const mpq_class& n : numbers.subspan(1)) {
    work.spend(20);
    out = pair_lcm(out, n);
  }
  return out;
}

Expr symbolic_gcd(std::span<const Expr> args) { return combine<true>(args); }
Expr symbolic_lcm(std::span<const Expr> args) { return combine<false>(args); }

std::optional<mpq_class> exact_power(const mpq_class& base, const mpq_class& exponent, Work& work,
                                     bool real_roots) {
  if (base == 0) {
    if (exponent < 0) throw Undefined{};
    return exponent == 0 ? 1 : 0;
  }
  if (base == 1) return 1;
  if (!exponent.get_den().fits_ulong_p() || exponent.get_den() > 1000) return std::nullopt;
  const unsigned long index = exponent.get_den().get_ui();
  mpq_class root = base;
  if (index > 1) {
    if (base < 0 && (!real_roots || index % 2 == 0)) return std::nullopt;
    work.spend(10);
    mpz_class top, bottom;
    if (!mpz_root(top.get_mpz_t(), base.get_num_mpz_t(), index) ||
        !mpz_root(bottom.get_mpz_t(), base.get_den_mpz_t(), index))
      return std::nullopt;
    root = mpq_class(top, bottom);
  }
  const mpz_class& times = exponent.get_num();
  if (root == 1) return 1;
  if (root == -1) return mpz_even_p(times.get_mpz_t()) ? 1 : -1;
  if (!times.fits_slong_p()) return std::nullopt;
  const long n = std::abs(times.get_si());
  const long size = static_cast<long>(
      std::max(mpz_sizeinbase(root.get_num_mpz_t(), 2), mpz_sizeinbase(root.get_den_mpz_t(), 2)));
  if (n > kMaxExactBits / size) return std::nullopt;
  work.spend(1 + n * size / 128);
  mpz_class top, bottom;
  mpz_pow_ui(top.get_mpz_t(), root.get_num_mpz_t(), static_cast<unsigned long>(n));
  mpz_pow_ui(bottom.get_mpz_t(), root.get_den_mpz_t(), static_cast<unsigned long>(n));
  if (times < 0) std::swap(top, bottom);
  mpq_class out(top, bottom);
  out.canonicalize();
  return out;
}

}  // namespace cohort::math
