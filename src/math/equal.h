// Whether two expressions mean the same.
#pragma once

#include <string>

#include "math/evaluate.h"

namespace cohort::math {

struct EqualOptions {
  int float_rounding = 6;          // decimals to which a number written with a point is compared
  bool strict = true;              // variables must have the same names
  bool allow_set_relation = true;  // -2 <= x <= 7 is the interval [-2, 7]
  bool polynomial_gcd = false;     // gcd(n, 6) = 1 as polynomials in n, as SymPy has it; otherwise not judged
};

enum class Same { no, yes, unknown };

// Variables are real. Two values are equal where they agree, to 256 bits, at every one of the fixed points
// at which both are real (where there are none, as complex principal values); see docs/math.md. Throws
// Unjudgeable beyond its bounds.
class Comparer {
 public:
  Comparer(const EqualOptions& options, Work& work) : options_(options), work_(work) {}

  Same same(const Expr& gold, const Expr& given);
  const std::string& reason() const { return reason_; }  // of `unknown`

 private:
  // equal.cpp
  Same at_precision(const Expr& a, const Expr& b);
  Same compare_trees(const Expr& a, const Expr& b);
  Same collections(const Expr& a, const Expr& b);
  Same ordered(const Expr& a, const Expr& b);
  Same unordered(const Expr& a, const Expr& b);
  Same sets(const Expr& a, const Expr& b);
  Same matrices(const Expr& a, const Expr& b);
  Same texts(const Expr& a, const Expr& b);
  Same ratios(const Expr& a, const Expr& b);
  Same unknown(std::string why) {
    reason_ = std::move(why);
    return Same::unknown;
  }

  // equal_value.cpp
  Same values(const Expr& a, const Expr& b);
  Same constants(const Expr& a, const Expr& b, Reading reading);
  Same identical(const Expr& a, const Expr& b, Reading reading);
  Same identical_at_points(const Expr& a, const Expr& b, Reading reading);
  bool near(const Value& a, const Value& b) const;

  // equal_relation.cpp
  Same relations(const Expr& a, const Expr& b);
  Same with_value(const Expr& relation, const Expr& value, bool relation_is_gold);
  Same equations(const Expr& a, const Expr& b);
  Same without_denominators(const Expr& a, const Expr& b);
  Same inequalities(const Expr& a, const Expr& b);
  bool about(const Expr& a, const Expr& b);
  Same proportional(const Expr& a, const Expr& b, bool positive);

  const EqualOptions& options_;
  Work& work_;
  std::string reason_;
  bool by_digits_ = false;  // values that are not exact were found to agree
  bool too_few_digits_ = false;
  bool confirming_ = false;  // once more with longer mantissas: one point is enough
};

// Small letters, single spaces, without surrounding punctuation and brackets: "(A)" is "a". For a text that is
// known to be words.
std::string plain_words(std::string_view text);

// A text's form in which texts that say the same are equal. Words: small letters, single spaces, without
// punctuation, layout and the marks of text. What holds another command, an operator or a sign: as it is
// written, without layout.
std::string comparable_text(std::string_view text);

// Whether an expression only names a quantity, as the left of "f(2) = 5" or "|AB| = 1" does.
bool names_quantity(const Expr& e);

}  // namespace cohort::math
