#include "math/equal.h"

#include <algorithm>
#include <map>

#include "math/ascii.h"
#include "math/matrix.h"
#include "math/names.h"
#include "math/real_set.h"

namespace cohort::math {
namespace {

bool sets_of_reals(const Expr& e) {
  return e.kind == Kind::interval || e.kind == Kind::set_union || e.kind == Kind::intersection ||
         e.kind == Kind::difference || e.kind == Kind::named_set;
}

// "p or q" beside "p and q": of propositions and inequalities, not of values, which "and" lists as well as
// "or".
bool joined_otherwise(const Expr& a, const Expr& b) {
  const bool other = (a.name == "or" && b.name == "and") || (a.name == "and" && b.name == "or");
  return other && a.bare && b.bare &&
         any_of(a,
                [](const Expr& x) {
                  return x.kind == Kind::text || x.kind == Kind::symbol ||
                         (x.kind == Kind::relation && x.name.find_first_of("<l>g!") != npos);
                }) &&
         std::none_of(a.args.begin(), a.args.end(), [](const Expr& x) {
           return x.kind == Kind::relation && x.name.find_first_not_of("=~") == npos;
         });
}

bool listed_inequalities(const Expr& e) {
  return e.kind == Kind::set && e.bare && std::all_of(e.args.begin(), e.args.end(), [](const Expr& x) {
           return x.kind == Kind::relation && x.name.find_first_not_of("<l>g!") == npos;
         });
}

// "all real numbers", "three": words that name a set or a number.
const Expr* named_in_words(const Expr& e) {
  static const std::map<std::string, Expr, std::less<>> kSets = [] {
    std::map<std::string, Expr, std::less<>> out;
    for (const char* words :
         {"all real numbers", "all reals", "the set of all real numbers", "all real values",
          "the real numbers", "real numbers", "any real number", "every real number"})
      out[words] = node(Kind::named_set, {}, "R");
    long value = 0;
    for (const char* words :
         {"zero",     "one",     "two",     "three",     "four",     "five",     "six",
          "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
          "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"})
      out[words] = number(value++);
    for (const char* words : {"all integers", "the set of all integers", "the integers", "any integer"})
      out[words] = node(Kind::named_set, {}, "Z");
    for (const char* words : {"no solution", "no solutions", "no real solution", "no real solutions",
                              "empty set", "the empty set", "there is no solution", "there are no solutions"})
      out[words] = node(Kind::named_set, {}, "empty");
    return out;
  }();
  if (e.kind != Kind::text) return nullptr;
  const auto it = kSets.find(comparable_text(e.name));
  return it == kSets.end() ? nullptr : &it->second;
}

// What stands before "k in Z" or "x in R", where it holds that variable.
const Expr* conditioned(const Expr& e) {
  if (e.kind != Kind::set || !e.bare || e.args.size() != 2) return nullptr;
  const Expr& last = e.args[1];
  if (last.kind != Kind::relation || last.name != "i" || last.args[0].kind != Kind::symbol ||
      last.args[1].kind != Kind::named_set || (last.args[1].name != "Z" && last.args[1].name != "R"))
    return nullptr;
  const std::string& name = last.args[0].name;
  const bool holds =
      any_of(e.args[0], [&](const Expr& x) { return x.kind == Kind::symbol && x.name == name; });
  return holds ? &e.args[0] : nullptr;
}

bool plus_minus(const Expr& e) { return has_function(e, "pm") || has_function(e, "mp"); }

Expr choose(const Expr& e, bool upper) {
  if (e.kind == Kind::function && (e.name == "pm" || e.name == "mp")) {
    Expr inside = choose(e.args[0], upper);
    return (e.name == "pm") == upper ? inside : negate(std::move(inside));
  }
  Expr out = e;
  for (Expr& a : out.args) a = choose(a, upper);
  return out;
}

Expr pair_of_signs(const Expr& e) {
  std::vector<Expr> both;
  both.push_back(choose(e, true));
  both.push_back(choose(e, false));
  Expr set = node(Kind::set, std::move(both));
  set.bare = true;
  return set;
}

void flatten_union(const Expr& e, std::vector<Expr>& out) {
  if (e.kind == Kind::set_union)
    for (const Expr& a : e.args) flatten_union(a, out);
  else
    out.push_back(e);
}

// One form for what is written in several ways: a +- b as two values, unions of finite sets as one, {x} as x.
Expr settle(Expr e) {
  if (e.kind == Kind::set) {
    std::vector<Expr> out;
    for (Expr& a : e.args) {
      if (a.kind != Kind::set && a.kind != Kind::relation && plus_minus(a)) {
        Expr both = pair_of_signs(a);
        for (Expr& b : both.args) out.push_back(settle(std::move(b)));
      } else {
        Expr item = settle(std::move(a));
        out.push_back(std::move(item));
      }
    }
    e.args = std::move(out);
    if (e.args.size() == 1) {
      Expr only = std::move(e.args[0]);
      return only;
    }
    return e;
  }
  if (e.kind == Kind::set_union) {
    std::vector<Expr> parts;
    flatten_union(e, parts);
    bool finite = true;
    for (const Expr& p : parts) finite = finite && (p.kind == Kind::set || is_scalar(p));
    if (finite) {
      std::map<std::string, Expr> items;
      for (Expr& p : parts) {
        if (p.kind != Kind::set) items.emplace(to_text(p), p);
        if (p.kind == Kind::set)
          for (Expr& a : p.args) items.emplace(to_text(a), a);
      }
      Expr set = node(Kind::set, {});
      for (auto& [text, item] : items) set.args.push_back(std::move(item));
      return set;
    }
    e.args = std::move(parts);
    return e;
  }
  if (e.kind == Kind::relation) {
    for (Expr& a : e.args) a = settle(std::move(a));
    return e;
  }
  if (e.kind == Kind::tuple && e.args.size() == 1) return settle(std::move(e.args[0]));
  if (plus_minus(e)) return settle(pair_of_signs(e));
  if (e.kind == Kind::tuple || e.kind == Kind::matrix)
    for (Expr& a : e.args) a = settle(std::move(a));
  return e;
}

void rename(Expr& e, std::map<std::string, std::string>& names) {
  if (e.kind == Kind::symbol) {
    const auto it = names.emplace(e.name, "variable" + std::to_string(names.size())).first;
    e.name = it->second;
  }
  for (Expr& a : e.args) rename(a, names);
}

}  // namespace

Same Comparer::same(const Expr& gold, const Expr& given) {
  Expr a = settle(with_matrices(gold, work_)), b;
  try {
    b = settle(with_matrices(given, work_));
  } catch (const Undefined&) {
    return Same::no;
  }
  if (!options_.strict) {
    std::map<std::string, std::string> first, second;
    rename(a, first);
    rename(b, second);
  }
  const Expr *first = conditioned(a), *second = conditioned(b);  // "k\\pi, k \\in Z" beside "k\\pi"
  if (first && !second) return at_precision(*first, b);
  if (second && !first) return at_precision(a, *second);
  return at_precision(a, b);
}

// Values that agree although numbers far apart took part, as in 1 + e^{-500}, are compared again with as
// many bits as these numbers need.
Same Comparer::at_precision(const Expr& a, const Expr& b) {
  constexpr int64_t kNear = 64, kMostBits = 8192, kWork = 50000;
  const auto compare = [&] {
    digits_now.reset();
    by_digits_ = too_few_digits_ = false;
    try {
      return compare_trees(a, b);
    } catch (const TooFewDigits& e) {
      too_few_digits_ = true;
      return unknown(e.what());
    }
  };
  const Same first = compare();
  const int64_t spread = digits_now.spread();
  const bool doubtful =
      first == Same::yes ? by_digits_ && spread > kNear : first == Same::unknown && too_few_digits_;
  if (!doubtful) return first;
  if (2 * spread + kBits > kMostBits)
    return first == Same::yes && to_text(a) != to_text(b) ? unknown("values of too many digits") : first;
  const int bits = static_cast<int>(std::min(std::max<int64_t>(4 * spread + kBits, 1024), kMostBits));
  const Precision precision(bits);
  const Work rest = work_;
  const int64_t times = bits / kBits;
  work_ = Work(kWork, times * times / 4 + 1);
  confirming_ = true;
  Same second = Same::unknown;
  try {
    second = compare();
  } catch (const Unjudgeable& e) {
    reason_ = e.what();
  }
  confirming_ = false;
  work_ = rest;
  return second;
}

Same Comparer::compare_trees(const Expr& a, const Expr& b) {
  work_.spend(1);
  if (a.kind == Kind::text || b.kind == Kind::text) return texts(a, b);
  const bool first = a.kind == Kind::relation, second = b.kind == Kind::relation;
  if (first && second) return relations(a, b);
  if (first) return with_value(a, b, true);
  if (second) return with_value(b, a, false);
  if (a.kind == Kind::based || b.kind == Kind::based) {
    const auto digits = [](const Expr& e) {
      return e.name.substr(std::min(e.name.find_first_not_of('0'), e.name.size()));
    };
    return a.kind == b.kind && a.columns == b.columns && digits(a) == digits(b) ? Same::yes : Same::no;
  }
  if (a.kind == Kind::matrix || b.kind == Kind::matrix) return matrices(a, b);
  if (sets_of_reals(a) || sets_of_reals(b)) return sets(a, b);
  if (is_collection(a) || is_collection(b)) {
    if (listed_inequalities(a) != listed_inequalities(b)) return sets(a, b);  // x > -2 and x < 5 is (-2, 5)
    return collections(a, b);
  }
  if (a.kind == Kind::ratio || b.kind == Kind::ratio) return ratios(a, b);
  return values(a, b);
}

Same Comparer::texts(const Expr& a, const Expr& b) {
  const Expr *first = named_in_words(a), *second = named_in_words(b);
  if ((first && (second || b.kind != Kind::text)) || (second && a.kind != Kind::text))
    return compare_trees(first ? *first : a, second ? *second : b);
  const auto words = [](const Expr& e) -> std::string {
    if (e.kind == Kind::text) return comparable_text(e.name);
    if (e.kind == Kind::symbol || e.kind == Kind::constant) return plain_words(e.name);
    if (e.kind == Kind::multiply && !e.args.empty()) {  // a word read as letters
      std::string out;
      for (const Expr& x : e.args) {
        if (x.kind != Kind::symbol && x.kind != Kind::constant) return {};
        out += plain_words(x.name);
      }
      return out;
    }
    return {};
  };
  const auto logic = [](const Expr& e) { return e.kind == Kind::text && e.name.starts_with(kLogic); };
  if (logic(a) && logic(b))
    return a.name == b.name ? Same::yes : unknown("a formula of logic in another form");
  const std::string x = words(a), y = words(b);
  return !x.empty() && x == y ? Same::yes : Same::no;
}

Same Comparer::ratios(const Expr& a, const Expr& b) {
  if (a.kind == b.kind) {
    const Same parts = ordered(a, b);
    if (parts == Same::yes || (!a.name.empty() && !b.name.empty()) || a.args.size() != b.args.size())
      return parts;
    for (size_t i = 1; i < a.args.size(); ++i) {
      const Same s = values(divide(a.args[i], a.args[0]), divide(b.args[i], b.args[0]));
      if (s != Same::yes) return s;
    }
    return Same::yes;
  }
  const Expr &ratio = a.kind == Kind::ratio ? a : b, &other = a.kind == Kind::ratio ? b : a;
  if (!ratio.name.empty() || ratio.args.size() != 2 || !is_scalar(other)) return Same::no;
  return values(divide(ratio.args[0], ratio.args[1]), other);
}

Same Comparer::ordered(const Expr& a, const Expr& b) {
  if (a.args.size() != b.args.size()) return Same::no;
  Same all = Same::yes;
  for (size_t i = 0; i < a.args.size(); ++i) {
    const Same s = compare_trees(a.args[i], b.args[i]);
    if (s == Same::no) return s;
    if (s == Same::unknown) all = s;
  }
  return all;
}

Same Comparer::unordered(const Expr& a, const Expr& b) {
  const auto covered = [&](const Expr& from, const Expr& by, bool once, bool swapped) {
    std::vector<bool> used(by.args.size());
    Same all = Same::yes;
    for (const Expr& x : from.args) {
      Same best = Same::no;
      for (size_t j = 0; j < by.args.size() && best != Same::yes; ++j) {
        if (once && used[j]) continue;
        const Same s = swapped ? compare_trees(by.args[j], x) : compare_trees(x, by.args[j]);
        if (s == Same::yes) used[j] = true;
        if (s != Same::no) best = s;
      }
      if (best == Same::no) return best;
      if (best == Same::unknown) all = best;
    }
    return all;
  };
  if (joined_otherwise(a, b)) return Same::no;
  if (a.args.size() == b.args.size()) return covered(a, b, true, false);
  if (a.bare || b.bare || a.kind != Kind::set || b.kind != Kind::set) return Same::no;
  const Same there = covered(a, b, false, false);  // {1, 1, 2} is {1, 2}
  return there == Same::yes ? covered(b, a, false, true) : there;
}

Same Comparer::collections(const Expr& a, const Expr& b) {
  if (!is_collection(a) || !is_collection(b)) {
    if (is_collection(a) == is_collection(b)) return values(a, b);
    return Same::no;
  }
  if (a.kind == Kind::tuple && b.kind == Kind::tuple && !a.name.empty() && !b.name.empty() &&
      a.name != b.name)
    return Same::no;                                // A(1, 2) and B(1, 2)
  if (a.kind == Kind::tuple) return ordered(a, b);  // a set is read in the order in which it is written
  if (b.kind == Kind::tuple) {
    bool named = a.bare;  // x = 1, y = 2 is a point
    for (const Expr& x : a.args) named = named && x.kind == Kind::relation;
    return named ? ordered(a, b) : unordered(a, b);
  }
  return unordered(a, b);
}

Same Comparer::matrices(const Expr& a, const Expr& b) {
  if (a.kind == Kind::matrix && b.kind == Kind::matrix)
    return a.columns == b.columns ? ordered(a, b) : Same::no;
  if (nested_list(a)) return matrices(matrix_of(a), b);
  if (nested_list(b)) return matrices(a, matrix_of(b));
  const Expr &matrix = a.kind == Kind::matrix ? a : b, &other = a.kind == Kind::matrix ? b : a;
  const bool vector = matrix.columns == 1 || std::ssize(matrix.args) == matrix.columns;
  const bool list =
      other.kind == Kind::tuple || (other.kind == Kind::interval && other.left_closed == other.right_closed);
  if (vector && list) return ordered(a, b);
  if (matrix.args.size() == 1)
    return a.kind == Kind::matrix ? compare_trees(a.args[0], b) : compare_trees(a, b.args[0]);
  return Same::no;
}

Same Comparer::sets(const Expr& a, const Expr& b) {
  try {
    const auto set_of = [&](const Expr& e) {
      return real_set(is_scalar(e) ? node(Kind::set, {e}) : e, work_);  // {x} was read as x
    };
    const std::optional<RealSet> x = set_of(a), y = set_of(b);
    by_digits_ = true;
    if (x && y) return same_set(*x, *y) ? Same::yes : Same::no;
  } catch (const Outside&) {
  } catch (const Undefined&) {
  }
  if (a.kind == Kind::named_set || b.kind == Kind::named_set)
    return a.kind == b.kind && a.name == b.name ? Same::yes : Same::no;
  if (a.kind == Kind::interval || b.kind == Kind::interval) {
    const auto closed = [](const Expr& e) { return std::pair(e.left_closed, e.right_closed); };
    const bool pair = (a.kind == Kind::interval || a.kind == Kind::tuple) &&
                      (b.kind == Kind::interval || b.kind == Kind::tuple);
    if (!pair || closed(a) != closed(b)) return Same::no;
    return ordered(a, b);
  }
  if (a.kind != b.kind) return Same::no;
  return a.kind == Kind::difference ? ordered(a, b) : unordered(a, b);
}

}  // namespace cohort::math
