// Numbers as they are written.
#pragma once

#include <gmpxx.h>

#include <string_view>

#include "math/lexer.h"

namespace cohort::math {

struct NumberText {
  size_t length = 0;  // 0: no number stands there
  mpq_class value;
  bool decimal = false;  // written with a point, an exponent or a repeating part
};

// The number that `text` starts with: digits with a fraction, thousands grouped by commas (where
// `grouped`), "{,}", ",\!", thin spaces or blanks, an exponent ("1.4E2", "1e3"; a sign after a small e only
// where nothing follows), a repeating part ("0.\overline{3}", "0.(3)"). Throws Unjudgeable beyond
// kMaxDigits digits or an exponent of kMaxExponent.
inline constexpr size_t kMaxDigits = 2000;
inline constexpr long kMaxExponent = 4000;
NumberText read_number(std::string_view text, bool grouped, bool decimal_comma);

}  // namespace cohort::math
