// Text with values put in: '%s' % x, '{}'.format(x), and the widths of both.
#pragma once

#include <string>
#include <string_view>

#include "template/object.h"

namespace cohort::jinja {

// Python's % operator on a string: a tuple's items, a dict's by %(name)s, or one value.
std::string percent_format(Interpreter& interpreter, std::string_view format, const Value& values);
// str.format().
std::string brace_format(Interpreter& interpreter, std::string_view format, Arguments& arguments);
// format(value, spec): "{:>8.2f}" has the spec ">8.2f".
std::string format_value(const Value& value, std::string_view spec);

// To `width` characters: '<' the text first, '>' last, '^' in the middle, 'c' in the middle as str.center
// has it.
std::string padded(std::string_view text, int64_t width, std::string_view fill, char side);
std::string replaced(std::string_view text, std::string_view old, std::string_view by, int64_t most);

}  // namespace cohort::jinja
