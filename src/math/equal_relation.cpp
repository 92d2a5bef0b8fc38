#include <algorithm>

#include "math/equal.h"
#include "math/real_set.h"

namespace cohort::math {
namespace {

bool only_equals(const std::string& signs) { return signs.find_first_not_of("=~") == std::string::npos; }

Expr difference_of(const Expr& a, const Expr& b) {
  std::vector<Expr> terms;
  terms.push_back(a);
  terms.push_back(negate(b));
  return sum(std::move(terms));
}

// x_1 = 1 and x = 1 tell the same of an unknown with several values.
bool same_but_index(const Expr& a, const Expr& b) {
  if (a.kind != Kind::symbol || b.kind != Kind::symbol) return false;
  const size_t x = a.name.find('_'), y = b.name.find('_');
  return (x == std::string::npos) != (y == std::string::npos) && a.name.substr(0, x) == b.name.substr(0, y);
}

char flipped(char sign) {
  switch (sign) {
    case '<':
      return '>';
    case '>':
      return '<';
    case 'l':
      return 'g';
    case 'g':
      return 'l';
    default:
      return sign;
  }
}

// A tree as a numerator and the factors of its denominator.
struct Cleared {
  Expr top;
  std::vector<Expr> bottom;
};

Expr times_all(Expr top, const std::vector<Expr>& factors) {
  std::vector<Expr> all;
  all.push_back(std::move(top));
  all.insert(all.end(), factors.begin(), factors.end());
  return product(std::move(all));
}

Cleared cleared(const Expr& e) {
  Cleared out{number(1), {}};
  if (e.kind == Kind::multiply) {
    std::vector<Expr> tops;
    for (const Expr& a : e.args) {
      Cleared part = cleared(a);
      tops.push_back(std::move(part.top));
      out.bottom.insert(out.bottom.end(), part.bottom.begin(), part.bottom.end());
    }
    out.top = product(std::move(tops));
  } else if (e.kind == Kind::power && is_number(e.args[1], -1) && !free_symbols(e.args[0]).empty()) {
    Cleared inside = cleared(e.args[0]);
    out.top = times_all(number(1), inside.bottom);
    out.bottom.push_back(std::move(inside.top));
  } else if (e.kind == Kind::add) {
    std::vector<Cleared> parts;
    for (const Expr& a : e.args) parts.push_back(cleared(a));
    std::vector<Expr> terms;
    for (size_t i = 0; i < parts.size(); ++i) {
      Expr term = parts[i].top;
      for (size_t j = 0; j < parts.size(); ++j)
        if (j != i) term = times_all(std::move(term), parts[j].bottom);
      terms.push_back(std::move(term));
    }
    out.top = sum(std::move(terms));
    for (Cleared& p : parts) out.bottom.insert(out.bottom.end(), p.bottom.begin(), p.bottom.end());
  } else {
    out.top = e;
  }
  return out;
}

Expr with_zero(const Expr& e, const std::string& name) {
  if (e.kind == Kind::symbol && e.name == name) return number(0);
  Expr out = e;
  for (Expr& a : out.args) a = with_zero(a, name);
  return out;
}

bool many_quantities(const Expr& e) {
  return free_symbols(e).size() >= 2 || has_kind(e, Kind::call) || has_function(e, "abs");
}

// f(x) = ... with its variable's name as the other side has it.
Expr renamed(const Expr& e, const std::string& from, const std::string& to) {
  Expr out = e;
  if (out.kind == Kind::symbol && out.name == from) out.name = to;
  for (Expr& a : out.args) a = renamed(a, from, to);
  return out;
}

}  // namespace

bool names_quantity(const Expr& e) {
  switch (e.kind) {
    case Kind::symbol:
    case Kind::text:
    case Kind::constant:
    case Kind::call:
      return true;
    case Kind::function:
      if (e.name == "percent" || e.name == "degree" || e.name == "pm" || e.name == "mp" || e.name == "ln")
        return false;
      [[fallthrough]];
    case Kind::tuple:
    case Kind::set:
    case Kind::ratio:
    case Kind::multiply:
      return std::all_of(e.args.begin(), e.args.end(), names_quantity);
    case Kind::power:
      return names_quantity(e.args[0]) && is_number(e.args[1], -1);
    default:
      return false;
  }
}

Same Comparer::relations(const Expr& a, const Expr& b) {
  if (only_equals(a.name) && only_equals(b.name)) return equations(a, b);
  if (a.name == "i" || b.name == "i" || a.name == "n" || b.name == "n" || a.name == "s" || b.name == "s") {
    const bool sets = (a.name == "i" && (b.name == "=" || b.name == "i")) ||
                      (a.name == "=" && b.name == "i") || a.name == b.name;
    if (sets) return ordered(a, b);
    if (!options_.allow_set_relation) return Same::no;
  }
  return inequalities(a, b);
}

// "x = 3" and 3, "x in [0, 1]" and [0, 1], "-2 <= x <= 7" and [-2, 7].
Same Comparer::with_value(const Expr& relation, const Expr& value, bool relation_is_gold) {
  const auto compare = [&](const Expr& side) {
    return relation_is_gold ? compare_trees(side, value) : compare_trees(value, side);
  };
  if (only_equals(relation.name)) {
    const Expr &left = relation.args.front(), &right = relation.args.back();
    const bool chain = relation.args.size() > 2;
    const bool calculated =
        is_scalar(left) && free_symbols(left).empty() && !has_kind(left, Kind::call);  // 2 + 3 = 5
    // a + b = 5 tells what a + b is; a^2 + b = 0 is an equation.
    const bool quantity = is_scalar(left) && many_quantities(left) && right.kind == Kind::number &&
                          right.value != 0 && !any_of(left, [](const Expr& x) {
                            return x.kind == Kind::multiply && x.args[0].kind == Kind::number;
                          });
    if (chain || calculated || quantity || names_quantity(left)) {
      if (relation.name == "~" && !about(left, right)) return Same::no;  // 10 \sim 20 is a range
      const Same last = compare(right);
      if (last == Same::yes || relation.name.back() != '~') return last;
      const Expr& exact = relation.args[relation.args.size() - 2];  // sqrt(2), about 1.414
      return exact.kind == Kind::symbol ? last : compare(exact);
    }
    if (left.kind == Kind::number && names_quantity(right)) return compare(left);  // 3 = x
    return Same::no;
  }
  if (relation.name == "i" && (relation.args[0].kind == Kind::symbol || names_quantity(relation.args[0])))
    return compare(relation.args[1]);
  if (!options_.allow_set_relation) return Same::no;
  try {
    const std::optional<RealSet> x = real_set(relation, work_), y = real_set(value, work_);
    by_digits_ = true;
    if (x && y) return same_set(*x, *y) ? Same::yes : Same::no;
    if (y && !is_scalar(value) && free_symbols(relation).size() == 1)
      return unknown("an inequality that is not solved");
  } catch (const Outside&) {
  } catch (const Undefined&) {
  }
  return Same::no;
}

Same Comparer::equations(const Expr& a, const Expr& b) {
  const Expr &a_left = a.args.front(), &a_right = a.args.back(), &b_left = b.args.front(),
             &b_right = b.args.back();
  if (names_quantity(a_left) && names_quantity(b_left)) {
    const bool functions = a_left.kind == Kind::call && b_left.kind == Kind::call &&
                           a_left.name == b_left.name && a_left.args.size() == 1 && b_left.args.size() == 1 &&
                           a_left.args[0].kind == Kind::symbol && b_left.args[0].kind == Kind::symbol;
    if (functions) return compare_trees(a_right, renamed(b_right, b_left.args[0].name, a_left.args[0].name));
    const Same left = same_but_index(a_left, b_left) ? Same::yes : compare_trees(a_left, b_left);
    if (left == Same::yes) {
      const Same right = compare_trees(a_right, b_right);
      if (right != Same::no) return right;
    }
  }
  if (!is_scalar(a_left) || !is_scalar(a_right) || !is_scalar(b_left) || !is_scalar(b_right)) return Same::no;
  const Expr x = difference_of(a_left, a_right), y = difference_of(b_left, b_right);
  const Same s = proportional(x, y, false);
  return s == Same::no ? without_denominators(x, y) : s;
}

// y = 1/x is xy = 1, because that is never true where x = 0; a/b = c/d is more than ad = bc.
Same Comparer::without_denominators(const Expr& a, const Expr& b) {
  const Cleared x = cleared(a), y = cleared(b);
  if (x.bottom.empty() && y.bottom.empty()) return Same::no;
  if (x.bottom.size() + y.bottom.size() > 4 || proportional(x.top, y.top, false) != Same::yes)
    return Same::no;
  for (const Cleared* side : {&x, &y})
    for (const Expr& factor : side->bottom) {
      if (factor.kind != Kind::symbol)
        return unknown("equations that may differ where a denominator is zero");
      std::optional<Value> first;
      for (int round = 0; round < 4; ++round) {
        Reading reading;
        reading.round = round;
        const Value v = evaluate(with_zero(side->top, factor.name), reading, work_);
        if (!std::holds_alternative<mpq_class>(v) || std::get<mpq_class>(v) == 0 ||
            (first && !same_value(*first, v)))
          return unknown("equations that may differ where a denominator is zero");
        first = v;
      }
    }
  return Same::yes;
}

// Whether two numbers may be one and its rounded value; true where they are not numbers.
bool Comparer::about(const Expr& a, const Expr& b) {
  if (!is_scalar(a) || !is_scalar(b) || !free_symbols(a).empty() || !free_symbols(b).empty()) return true;
  if (has_kind(a, Kind::call) || has_opaque(a)) return true;
  try {
    const Ball x = to_ball(evaluate(a, {}, work_)), y = to_ball(evaluate(b, {}, work_));
    return x.may_be_zero() || y.may_be_zero() || (x - y).log2() < x.log2() - 2;
  } catch (const Undefined&) {
  } catch (const Outside&) {
  }
  return true;
}

// Whether a = c b for one number c, not 0, for all values of the variables.
Same Comparer::proportional(const Expr& a, const Expr& b, bool positive) {
  if (free_symbols(a) != free_symbols(b)) return Same::no;
  std::optional<std::pair<Ball, Ball>> first;
  int agreeing = 0;
  for (const bool complex_values : {false, true}) {
    for (int round = 0; round < 24 && agreeing < (confirming_ ? 1 : 6); ++round) {
      Reading reading;
      reading.complex_values = complex_values;
      reading.round = round;
      reading.points = round % 2 ? Reading::positive : Reading::mixed;
      try {
        const Ball x = to_ball(evaluate(a, reading, work_)), y = to_ball(evaluate(b, reading, work_));
        if (x.may_be_zero() != y.may_be_zero()) return Same::no;
        if (x.may_be_zero()) continue;
        if (!first) {
          if (positive && (!x.real() || !y.real() || x.sign() != y.sign())) return Same::no;
          first = {x, y};
          continue;
        }
        if (!same_value(x * first->second, y * first->first)) return Same::no;
        by_digits_ = true;
        ++agreeing;
      } catch (const Undefined&) {
      } catch (const Outside&) {
      }
    }
    if (agreeing >= (confirming_ ? 1 : 3)) return Same::yes;
  }
  if (to_text(a) == to_text(b)) return Same::yes;
  return unknown("no values of the variables for which both equations are defined");
}

Same Comparer::inequalities(const Expr& a, const Expr& b) {
  try {
    std::string x_name, y_name;
    const std::optional<RealSet> x = real_set(a, work_, &x_name), y = real_set(b, work_, &y_name);
    by_digits_ = true;
    if (x && y) return x_name == y_name && same_set(*x, *y) ? Same::yes : Same::no;
  } catch (const Outside&) {
  } catch (const Undefined&) {
  }
  if (a.args.size() != b.args.size()) return Same::no;
  if (a.args.size() == 2 && is_scalar(a.args[0]) && is_scalar(a.args[1]) && is_scalar(b.args[0]) &&
      is_scalar(b.args[1])) {
    const Expr x = difference_of(a.args[0], a.args[1]), y = difference_of(b.args[0], b.args[1]);
    if (a.name == "!" && b.name == "!") return proportional(x, y, false);
    if (a.name == b.name) return proportional(x, y, true);
    if (b.name.size() == 1 && a.name[0] == flipped(b.name[0])) return proportional(x, negate(y), true);
    return Same::no;
  }
  if (a.name == b.name) {
    const Same s = ordered(a, b);
    if (s != Same::no) return s;
  }
  Expr back = b;
  std::reverse(back.args.begin(), back.args.end());
  std::reverse(back.name.begin(), back.name.end());
  for (char& c : back.name) c = flipped(c);
  return a.name == back.name ? ordered(a, back) : Same::no;
}

}  // namespace cohort::math
