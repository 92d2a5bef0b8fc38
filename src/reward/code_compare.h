// Whether what a program gave is what a test expects.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace cohort {

// Standard output: the same lines, apart from white space at the ends of lines and empty lines at the end of
// the text; within a line the same words, where a number that is expected with a point or an exponent may
// differ by 1e-6, absolute or relative, and an integer may be written as 3.0.
bool same_output(std::string_view given, std::string_view expected);

// A function's result as JSON text, which may be anything at all, against the expected value. Numbers as
// above, where one of them is no integer. `wrapped`: `expected` is an array of one, and that one is right
// too.
bool same_result(std::string_view given, const nlohmann::json& expected, bool wrapped);

}  // namespace cohort
