#include "math/real_set.h"

#include <algorithm>

#include "math/integer_functions.h"

namespace cohort::math {
namespace {

using Pieces = std::vector<Piece>;

Pieces everything() { return {{Infinity{-1}, Infinity{1}, false, false}}; }

bool holds_some(const Piece& p) {
  const int order = compare(p.low, p.high);
  return order < 0 || (order == 0 && p.low_closed && p.high_closed);
}

Pieces intersect(const Pieces& a, const Pieces& b) {
  Pieces out;
  for (const Piece& p : a)
    for (const Piece& q : b) {
      Piece r = p;
      const int low = compare(q.low, p.low), high = compare(q.high, p.high);
      if (low > 0) r.low = q.low, r.low_closed = q.low_closed;
      if (low == 0) r.low_closed = p.low_closed && q.low_closed;
      if (high < 0) r.high = q.high, r.high_closed = q.high_closed;
      if (high == 0) r.high_closed = p.high_closed && q.high_closed;
      if (holds_some(r)) out.push_back(std::move(r));
    }
  return out;
}

Pieces joined(Pieces pieces) {
  std::erase_if(pieces, [](const Piece& p) { return !holds_some(p); });
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    const int order = compare(a.low, b.low);
    return order != 0 ? order < 0 : a.low_closed && !b.low_closed;
  });
  Pieces out;
  for (Piece& p : pieces) {
    if (!out.empty()) {
      Piece& last = out.back();
      const int gap = compare(last.high, p.low);
      if (gap > 0 || (gap == 0 && (last.high_closed || p.low_closed))) {
        const int end = compare(p.high, last.high);
        if (end > 0) last.high = p.high, last.high_closed = p.high_closed;
        if (end == 0) last.high_closed = last.high_closed || p.high_closed;
        continue;
      }
    }
    out.push_back(std::move(p));
  }
  return out;
}

Pieces complement(const Pieces& pieces) {
  Pieces out = everything();
  for (const Piece& p : joined(pieces))
    out = intersect(
        out, {{Infinity{-1}, p.low, false, !p.low_closed && !std::holds_alternative<Infinity>(p.low)},
              {p.high, Infinity{1}, !p.high_closed && !std::holds_alternative<Infinity>(p.high), false}});
  return out;
}

Expr substitute(const Expr& e, const std::string& name, const mpq_class& value) {
  if (e.kind == Kind::symbol && e.name == name) return number(value);
  Expr out = e;
  for (Expr& a : out.args) a = substitute(a, name, value);
  return out;
}

class Builder {
 public:
  explicit Builder(Work& work) : work_(work) {}

  std::optional<Pieces> build(const Expr& e) {
    switch (e.kind) {
      case Kind::interval:
        return interval(e, e.left_closed, e.right_closed);
      case Kind::tuple:
        if (e.args.size() == 2 && !e.square) return interval(e, false, false);
        return std::nullopt;
      case Kind::set:
        return e.bare && has_kind(e, Kind::relation) ? inequalities(e) : points(e);
      case Kind::named_set:
        if (e.name == "R") return everything();
        if (e.name == "R^+") return Pieces{{mpq_class(0), Infinity{1}, false, false}};
        if (e.name == "R^-") return Pieces{{Infinity{-1}, mpq_class(0), false, false}};
        if (e.name == "empty") return Pieces{};
        return std::nullopt;
      case Kind::set_union:
      case Kind::intersection:
      case Kind::difference:
        return combined(e);
      case Kind::relation:
        return chain(e);
      default:
        return std::nullopt;
    }
  }

  // A part of a union, where {x} was read as x.
  std::optional<Pieces> part(const Expr& e) {
    if (!is_scalar(e)) return build(e);
    std::vector<Expr> one;
    one.push_back(e);
    return points(node(Kind::set, std::move(one)));
  }

  std::string variable;

 private:
  std::optional<Value> constant_value(const Expr& e) {
    if (!is_scalar(e) || !free_symbols(e).empty() || has_opaque(e) || has_kind(e, Kind::call))
      return std::nullopt;
    try {
      Value v = evaluate(e, {}, work_);
      sign_of(v);
      return v;
    } catch (const Undefined&) {
    } catch (const Outside&) {
    }
    return std::nullopt;
  }

  std::optional<Pieces> interval(const Expr& e, bool left, bool right) {
    const std::optional<Value> low = constant_value(e.args[0]), high = constant_value(e.args[1]);
    if (!low || !high) return std::nullopt;
    Piece p{*low, *high, left && !std::holds_alternative<Infinity>(*low),
            right && !std::holds_alternative<Infinity>(*high)};
    if (!holds_some(p)) return std::nullopt;
    return Pieces{std::move(p)};
  }

  std::optional<Pieces> points(const Expr& e) {
    Pieces out;
    for (const Expr& a : e.args) {
      const std::optional<Value> v = constant_value(a);
      if (!v || std::holds_alternative<Infinity>(*v)) return std::nullopt;
      out.push_back({*v, *v, true, true});
    }
    return out;
  }

  std::optional<Pieces> combined(const Expr& e) {
    std::optional<Pieces> out = part(e.args[0]);
    for (size_t i = 1; out && i < e.args.size(); ++i) {
      const std::optional<Pieces> next = part(e.args[i]);
      if (!next) return std::nullopt;
      if (e.kind == Kind::set_union)
        out->insert(out->end(), next->begin(), next->end());
      else
        out = intersect(*out, e.kind == Kind::intersection ? *next : complement(*next));
    }
    return out;
  }

  std::optional<Pieces> inequalities(const Expr& e) {
    Pieces all, both = everything();
    for (const Expr& a : e.args) {
      const std::optional<Pieces> next = build(a);
      if (!next) return std::nullopt;
      all.insert(all.end(), next->begin(), next->end());
      both = intersect(both, *next);
    }
    return e.name == "or" || both.empty() ? all : both;
  }

  std::optional<Pieces> chain(const Expr& e) {
    if (e.name == "i" && e.args[0].kind == Kind::symbol) {  // x in a set
      if (!variable.empty() && variable != e.args[0].name) return std::nullopt;
      variable = e.args[0].name;
      return build(e.args[1]);
    }
    Pieces out = everything();
    for (size_t i = 0; i < e.name.size(); ++i) {
      const std::optional<Pieces> link = solve_link(e.args[i], e.name[i], e.args[i + 1]);
      if (!link) return std::nullopt;
      out = intersect(out, *link);
    }
    return out;
  }

  // a sign b, or |a| sign b; also x not equal to each of a set.
  std::optional<Pieces> solve_link(const Expr& a, char sign, const Expr& b) {
    if ((sign == '!' || sign == 'n') && a.kind == Kind::symbol && !is_scalar(b)) {
      if (!variable.empty() && variable != a.name) return std::nullopt;
      const std::optional<Pieces> left_out = b.kind == Kind::set ? points(b) : build(b);
      variable = a.name;
      return left_out ? std::optional(complement(*left_out)) : std::nullopt;
    }
    const auto absolute = [](const Expr& e) { return e.kind == Kind::function && e.name == "abs"; };
    const bool second = absolute(b) && free_symbols(a).empty();
    if (!second && !(absolute(a) && free_symbols(b).empty())) return solve(a, sign, b);
    if (second) sign = flipped(sign);
    const Expr &inside = second ? b.args[0] : a.args[0], &bound = second ? a : b;
    const std::optional<Value> limit = constant_value(bound);
    if (!limit || std::holds_alternative<Infinity>(*limit)) return std::nullopt;
    const std::optional<Pieces> above = solve(inside, sign, bound),
                                below = solve(inside, flipped(sign), negate(bound));
    if (!above || !below) return std::nullopt;
    if (sign == '<' || sign == 'l') return intersect(*above, *below);
    Pieces out = *above;
    if (sign == '!') return sign_of(*limit) < 0 ? everything() : intersect(out, *below);
    if (sign == '=' && sign_of(*limit) < 0) return Pieces{};
    out.insert(out.end(), below->begin(), below->end());
    return out;
  }

  static char flipped(char sign) {
    return sign == '<' ? '>' : sign == '>' ? '<' : sign == 'l' ? 'g' : sign == 'g' ? 'l' : sign;
  }

  // a sign b, linear or quadratic in one variable.
  std::optional<Pieces> solve(const Expr& a, char sign, const Expr& b) {
    if (std::string_view("<l>g!=").find(sign) == std::string_view::npos || !is_scalar(a) || !is_scalar(b))
      return std::nullopt;
    std::vector<Expr> terms;
    terms.push_back(a);
    terms.push_back(negate(b));
    const Expr d = sum(std::move(terms));
    const std::vector<std::string> names = free_symbols(d);
    if (names.size() != 1 || (!variable.empty() && names[0] != variable) || has_opaque(d) ||
        has_kind(d, Kind::call))
      return std::nullopt;
    const mpq_class x[4] = {0, 1, mpq_class(-5, 2), mpq_class(7, 3)};
    Value at[4];
    try {
      for (int i = 0; i < 4; ++i) at[i] = evaluate(substitute(d, names[0], x[i]), {}, work_);
    } catch (const Undefined&) {
      return std::nullopt;
    } catch (const Outside&) {
      return std::nullopt;
    }
    for (const Value& v : at)
      if (std::holds_alternative<Infinity>(v)) return infinite(a, b, names[0]);
    const Ball slope = to_ball(at[1]) - to_ball(at[0]);
    const auto on_line = [&](int i) {
      return same_value(to_ball(at[i]), to_ball(at[0]) + slope * Ball(x[i]));
    };
    if (!on_line(2) || !on_line(3)) return quadratic(d, names[0], sign);
    if (slope.may_be_zero()) return std::nullopt;
    variable = names[0];
    Value root = Value(-(to_ball(at[0]) / slope));
    if (const auto* x = std::get_if<mpq_class>(&at[0]), *y = std::get_if<mpq_class>(&at[1]); x && y)
      root = mpq_class(*x / (*x - *y));
    if (sign_of(slope) < 0) sign = flipped(sign);
    Pieces out;
    if (sign == '=' || sign == '!') {
      out = {{root, root, true, true}};
      return sign == '=' ? out : complement(out);
    }
    if (sign == '<' || sign == 'l') return Pieces{{Infinity{-1}, root, false, sign == 'l'}};
    return Pieces{{root, Infinity{1}, sign == 'g', false}};
  }

  // d sign 0, where d is a quadratic polynomial with rational coefficients: exact at six points.
  std::optional<Pieces> quadratic(const Expr& d, const std::string& name, char sign) {
    const mpq_class x[6] = {0, 1, -1, 3, mpq_class(-5, 2), mpq_class(7, 3)};
    mpq_class y[6];
    for (int i = 0; i < 6; ++i) {
      const Value v = evaluate(substitute(d, name, x[i]), {}, work_);
      if (!std::holds_alternative<mpq_class>(v)) return std::nullopt;
      y[i] = std::get<mpq_class>(v);
    }
    mpq_class a = (y[1] + y[2]) / 2 - y[0], b = (y[1] - y[2]) / 2, c = y[0];
    for (int i = 3; i < 6; ++i)
      if (y[i] != (a * x[i] + b) * x[i] + c) return std::nullopt;
    if (a == 0) return std::nullopt;
    if (a < 0) a = -a, b = -b, c = -c, sign = flipped(sign);
    variable = name;
    const mpq_class inside = b * b - 4 * a * c;
    Pieces between;  // where the polynomial, which opens upward, is below zero (or zero)
    if (inside >= 0) {
      const std::optional<mpq_class> exact = exact_power(inside, mpq_class(1, 2), work_, true);
      Value low, high;
      if (exact) {
        low = mpq_class((-b - *exact) / (2 * a));
        high = mpq_class((-b + *exact) / (2 * a));
      } else {
        const Ball root = sqrt(Ball(inside)), bottom(mpq_class(2 * a)), top(mpq_class(-b));
        low = (top - root) / bottom;
        high = (top + root) / bottom;
      }
      const Pieces roots = {{low, low, true, true}, {high, high, true, true}};
      if (sign == '=') return roots;
      if (sign == '!') return complement(roots);
      const bool closed = (sign == 'l' || sign == 'g') == (sign == 'l' || sign == '<');
      between = {{low, high, closed, closed}};
      if (!holds_some(between[0])) between.clear();
    } else if (sign == '=') {
      return Pieces{};
    }
    return sign == '<' || sign == 'l' ? between : complement(between);
  }

  std::optional<Pieces> infinite(const Expr& a, const Expr& b, const std::string& name) {  // x < oo
    if (a.kind != Kind::symbol && b.kind != Kind::symbol) return std::nullopt;
    variable = name;
    return everything();
  }

  Work& work_;
};

}  // namespace

std::optional<RealSet> real_set(const Expr& e, Work& work, std::string* variable) {
  Builder builder(work);
  std::optional<Pieces> pieces = builder.build(e);
  if (!pieces) return std::nullopt;
  if (variable) *variable = builder.variable;
  return RealSet{joined(std::move(*pieces))};
}

bool same_set(const RealSet& a, const RealSet& b) {
  if (a.pieces.size() != b.pieces.size()) return false;
  for (size_t i = 0; i < a.pieces.size(); ++i) {
    const Piece &p = a.pieces[i], &q = b.pieces[i];
    if (p.low_closed != q.low_closed || p.high_closed != q.high_closed) return false;
    if (compare(p.low, q.low) != 0 || compare(p.high, q.high) != 0) return false;
  }
  return true;
}

}  // namespace cohort::math
