// Numbers in text, compared as exact decimals.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cohort {

// A decimal in canonical form: "-" only before a value that is not 0, no leading or trailing zeros, "." only
// before a fraction: "0", "-12.5", "0.25". Equal numbers have equal strings, of any length.
using Decimal = std::string;

// The whole text, without surrounding white space, as a number: sign + or - or U+2212, digits with thousands
// commas in the right places ("1,234,567") or none, a fraction (".5", "5.", "5.0"). No exponents, no percent
// or currency signs.
std::optional<Decimal> parse_number(std::string_view text);

// The last number in a text. A comma that does not separate thousands ends a number ("1, 2" and "1,23" end in
// 2 and 23); a point needs a digit after it to belong to the number ("is 5." ends in 5). A minus sign counts
// unless a letter, digit, ")" or "]" stands before it ("8-3" ends in 3, "= -3" in -3). Nothing where there is
// no digit.
std::optional<Decimal> last_number(std::string_view text);

}  // namespace cohort
