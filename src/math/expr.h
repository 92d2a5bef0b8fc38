// What a text means as mathematics: a tree of values, relations and collections.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::math {

// Thrown where a bound is met or a text has no meaning that this folder knows. Never leaves judge_math().
struct Unreadable : std::runtime_error {  // no expression of the grammar
  using std::runtime_error::runtime_error;
};
struct Unjudgeable : std::runtime_error {  // a bound, or nothing that could be decided
  using std::runtime_error::runtime_error;
};

enum class Kind : uint8_t {
  number,    // value, exact; `decimal` where it was written with a point
  constant,  // name: "pi", "e", "i", "oo"
  symbol,    // name: a variable, with its subscript
  text,      // name: words
  add,       // args
  multiply,  // args
  power,     // base, exponent
  function,  // name: of names.h, args; also "pm" and "mp" (plus or minus one argument), "percent", "degree"
  call,      // name: a function that the text does not define; args
  relation,  // n + 1 args, n signs in name: = ~ (about) ! (not equal) < l (<=) > g (>=) i (in) n (not in) s
  tuple,     // ordered; square where written with [ ]
  set,       // unordered; bare where no braces were written: "1, 2 and 3"
  interval,   // two args; left_closed, right_closed
  set_union,  // args
  intersection,
  difference,  // two args
  named_set,   // name: "N", "Z", "Q", "R", "C", "empty"
  matrix,      // args row by row; columns
  based,       // name: digits, columns: the base they are written in (204_5)
  ratio,       // a:b:c, args; name: as written where it may be a time of day
};

// Begins the name of a text node that is a formula of logic: its laws are not known here.
inline constexpr std::string_view kLogic = "logic: ";

struct Expr {
  Kind kind = Kind::number;
  bool decimal = false, square = false, bare = false, left_closed = false, right_closed = false;
  int columns = 0;
  std::string name;
  mpq_class value;
  std::vector<Expr> args;
};

Expr number(mpq_class value);
Expr constant(std::string_view name);
Expr symbol(std::string name);
Expr node(Kind kind, std::vector<Expr> args, std::string name = {});
Expr function(std::string name, std::vector<Expr> args);
Expr negate(Expr a);
Expr divide(Expr a, Expr b);
Expr power(Expr a, Expr b);
Expr product(std::vector<Expr> factors);  // one factor: itself; number factors stay in place
Expr sum(std::vector<Expr> terms);

bool is_number(const Expr& e, long value);
bool is_integer(const Expr& e);
// A value to calculate with: neither relation, collection nor text.
bool is_scalar(const Expr& e);
bool is_collection(const Expr& e);  // tuple or set

// Whether the predicate holds for a node of the tree.
template <class Predicate>
bool any_of(const Expr& e, const Predicate& holds) {
  if (holds(e)) return true;
  for (const Expr& a : e.args)
    if (any_of(a, holds)) return true;
  return false;
}
inline bool has_kind(const Expr& e, Kind kind) {
  return any_of(e, [kind](const Expr& x) { return x.kind == kind; });
}
bool has_function(const Expr& e, std::string_view name);

// The variables of a tree, sorted, each once. A variable bound by a sum, an integral or a limit is not free.
std::vector<std::string> free_symbols(const Expr& e);

// The same tree written one way: equal trees have equal text. For keys and messages.
std::string to_text(const Expr& e);

}  // namespace cohort::math
