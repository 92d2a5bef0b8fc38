#include "math/elementary.h"

#include <algorithm>

#include "math/evaluate.h"

namespace cohort::math {
namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Ball inverse(std::string_view f, const Ball& a, bool real) {
  const Ball one(mpq_class(1)), two(mpq_class(2));
  const auto need_real = [real](bool inside) {
    if (real && !inside) throw Outside{};
  };
  if (f == "arctan") return atan(a);
  if (f == "arccot") return ball_pi() / two - atan(a);
  if (f == "arcsinh")
    return a.real() && a.sign() < 0 ? -log(-a + sqrt(a * a + one)) : log(a + sqrt(a * a + one));
  if (f == "arccosh") {
    need_real(a.real() && mpfr_cmp_ui(a.re.get(), 1) >= 0);
    return log(a + sqrt(a - one) * sqrt(a + one));
  }
  if (f == "arctanh") {
    need_real(a.real() && mpfr_cmpabs_ui(a.re.get(), 1) < 0);
    return log((one + a) / (one - a)) / two;
  }
  if (f == "arcsec" || f == "arccsc") return inverse(f == "arcsec" ? "arccos" : "arcsin", one / a, real);
  need_real(a.real() && mpfr_cmpabs_ui(a.re.get(), 1) <= 0);
  return f == "arcsin" ? asin(a) : ball_pi() / two - asin(a);
}

}  // namespace

bool is_elementary(std::string_view name) {
  return one_of(name, {"sin",    "cos",    "tan",     "cot",     "sec",     "csc",    "sinh",   "cosh",
                       "tanh",   "coth",   "sech",    "csch",    "arcsin",  "arccos", "arctan", "arccot",
                       "arcsec", "arccsc", "arcsinh", "arccosh", "arctanh", "arg"});
}

Ball elementary(std::string_view f, const Ball& a, bool real) {
  const Ball one(mpq_class(1)), two(mpq_class(2));
  if (f == "arg") {
    Ball l = log(a);
    l.re = l.im;
    l.im = Real();
    return l;
  }
  if (f.starts_with("arc")) return inverse(f, a, real);
  if (f.ends_with('h')) {
    const Ball up = exp(a), down = one / up, sine = (up - down) / two, cosine = (up + down) / two;
    if (f == "sinh") return sine;
    if (f == "cosh") return cosine;
    if (f == "tanh") return sine / cosine;
    if (f == "coth") return cosine / sine;
    return one / (f == "sech" ? cosine : sine);
  }
  if (f == "sin") return sin(a);
  if (f == "cos") return cos(a);
  if (f == "tan") return sin(a) / cos(a);
  if (f == "cot") return cos(a) / sin(a);
  return one / (f == "sec" ? cos(a) : sin(a));
}

}  // namespace cohort::math
