#include "math/modular.h"

namespace cohort::math {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned long kMaxFactorial = 200000;

struct Other {};  // no expression whose remainder is known

class Remainders {
 public:
  Remainders(uint64_t prime, Work& work) : prime_(prime), work_(work) {}

  uint64_t of(const Expr& e) {
    work_.spend(1);
    switch (e.kind) {
      case Kind::number: {
        const uint64_t top = mpz_fdiv_ui(e.value.get_num_mpz_t(), prime_);
        return times(top, inverse(mpz_fdiv_ui(e.value.get_den_mpz_t(), prime_)));
      }
      case Kind::add: {
        uint64_t total = 0;
        for (const Expr& a : e.args) total = (total + of(a)) % prime_;
        return total;
      }
      case Kind::multiply: {
        uint64_t total = 1;
        for (const Expr& a : e.args) total = times(total, of(a));
        return total;
      }
      case Kind::power: {
        const mpz_class n = integer(e.args[1]);
        const mpz_class size = abs(n);
        const uint64_t out = power(of(e.args[0]), mpz_fdiv_ui(size.get_mpz_t(), prime_ - 1));
        return n < 0 ? inverse(out) : out;
      }
      case Kind::function: {
        if (e.name != "factorial" || e.args.size() != 1) throw Other{};
        const mpz_class n = integer(e.args[0]);
        if (n < 0 || n > kMaxFactorial) throw Other{};
        work_.spend(n.get_si() / 16);
        uint64_t total = 1;
        for (unsigned long i = 2; i <= n.get_ui(); ++i) total = times(total, i);
        return total;
      }
      default:
        throw Other{};
    }
  }

 private:
  uint64_t times(uint64_t a, uint64_t b) const { return static_cast<uint64_t>(Wide(a) * b % prime_); }
  uint64_t power(uint64_t base, uint64_t n) const {
    uint64_t out = 1;
    for (; n > 0; n >>= 1, base = times(base, base))
      if (n & 1) out = times(out, base);
    return out;
  }
  uint64_t inverse(uint64_t a) const {
    if (a == 0) throw Other{};
    return power(a, prime_ - 2);
  }
  mpz_class integer(const Expr& e) {
    const Value v = evaluate(e, Reading{}, work_);
    const auto* q = std::get_if<mpq_class>(&v);
    if (!q || q->get_den() != 1) throw Other{};
    return q->get_num();
  }

  uint64_t prime_;
  Work& work_;
};

}  // namespace

std::optional<bool> same_remainders(const Expr& a, const Expr& b, Work& work) {
  try {
    for (const uint64_t prime : {2042686092933211717ull, 2118380823355399157ull, 2222644651786580269ull}) {
      Remainders r(prime, work);
      if (r.of(a) != r.of(b)) return false;
    }
  } catch (const Other&) {
    return std::nullopt;
  }
  return true;
}

}  // namespace cohort::math
