// Digits of numbers, as both ways of formatting write them.
#pragma once

#include <cstdint>
#include <string>

namespace cohort::jinja {

std::string exponent_text(double value, int precision, bool upper_case, bool keep_point);  // 1.5e+03
// %g; with an exponent from `precision` digits before the point on, less `sooner`.
std::string general_text(double value, int precision, bool upper_case, bool keep_zeros, int sooner = 0);
std::string integer_digits(uint64_t magnitude, int base);
std::string grouped(const std::string& digits, char separator, size_t size);  // 1,234,567

}  // namespace cohort::jinja
