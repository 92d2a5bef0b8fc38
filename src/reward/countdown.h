// Countdown: an expression that uses given numbers once each and reaches a target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

// The exact value of an expression of whole numbers, + - * / and parentheses (x and \u00D7 for *, \u00F7 for / and a
// minus sign are read too; what stands behind a last = is dropped), and the numbers in it. Nothing where it is no
// such expression, divides by 0, is nested more than 100 deep, or its numerator or denominator leaves 62 bits.
struct CountdownValue {
  int64_t numerator, denominator;  // in lowest terms, denominator above 0
  std::vector<int64_t> numbers;
};
std::optional<CountdownValue> countdown_value(std::string_view expression);

// Whether it uses exactly these numbers and equals the target.
bool reaches(std::string_view expression, std::vector<int64_t> numbers, int64_t target);

}  // namespace cohort
