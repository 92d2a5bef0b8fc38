// Values as Python writes them, and numbers as Python reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "template/value.h"

namespace cohort::jinja {

std::string str(const Value& value);   // str(): what {{ value }} writes
void append(std::string& text, const Value& value);  // str(value), and never beyond the bound of output
std::string repr(const Value& value);  // repr(): strings in quotes
std::string ascii(const Value& value);

std::string real_text(double value);  // 0.1, 1e-05, 1e+16, inf, nan

// int(text, base) and float(text): white space around and single underscores inside allowed; none where
// Python throws ValueError. Throws Error beyond 64 bits.
std::optional<int64_t> read_integer(std::string_view text, int base = 10);
std::optional<double> read_real(std::string_view text);

// round(value, digits) as Python does, halves by the exact decimal value.
double round_real(double value, int64_t digits);
// `value` with `digits` after the point.
std::string fixed(double value, int digits);

}  // namespace cohort::jinja
