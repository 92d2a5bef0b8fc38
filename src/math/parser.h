// From text to an expression.
#pragma once

#include <string_view>

#include "math/expr.h"
#include "math/lexer.h"

namespace cohort::math {

// The meaning of a text: an expression, a relation, or a collection of these ("1, 2 and 3" is a bare set).
// LaTeX and plain text mix freely. Words after a value are its unit and left out; `x = 1, 2` is x = {1, 2};
// `a, b; c, d` is a set of tuples. Throws Unreadable where it is none, Unjudgeable beyond kMaxDepth
// brackets or the lexer's bounds.
inline constexpr int kMaxDepth = 120;
Expr parse(std::string_view text, const ParseOptions& options = {});

}  // namespace cohort::math
