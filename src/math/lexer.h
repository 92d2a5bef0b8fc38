// Text as a list of signs, numbers, letters and words: the same for LaTeX as models write it and for plain
// text.
#pragma once

#include <gmpxx.h>

#include <string>
#include <string_view>
#include <vector>

namespace cohort::math {

struct ParseOptions {
  // A text may have several readings; judge.cpp tries those that the text allows.
  bool commas_separate = false;  // "1,234" is two numbers
  bool decimal_comma = false;    // "2,74" is a decimal
  bool loose_slash = false;      // "1/2x" is (1/2)x; otherwise 1/(2x)
  bool euler_capital = false;    // E is the number e, as SymPy prints it
  bool mixed_and = false;        // "3 and 1/2" is 7/2
  bool natural_log = false;      // \log without a base is ln; otherwise to base 10
};

struct Token {
  enum Kind { number, letter, function, constant, set, accent, sign, special, words, gap, end };
  Kind kind = end;
  std::string text;  // a number's as written; words without surrounding space; otherwise the name or sign
  mpq_class value;   // of a number
  bool decimal = false;
  bool space = false;       // white space stood before it
  size_t from = 0, to = 0;  // its bytes in the source
};

// Signs: + - * / ^ _ ( ) [ ] { } {{ }} (set braces) | |( |) (one-sided bars) fl( fl) ce( ce) <( >) (angle
// brackets) , ; : = != < <= > >= ~ equiv in notin ni subset supset cup cap minus pm mp ! ' % circ mod pmod
// and or land lor not choose over & newrow -> => <=> cross (a vector product)
//
// The list ends in one `end`. Never more tokens than kMaxTokens; throws Unreadable for text that cannot be
// cut.
inline constexpr size_t kMaxTokens = 3000;
std::vector<Token> lex(std::string_view text, const ParseOptions& options);

}  // namespace cohort::math
