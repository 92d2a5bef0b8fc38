// Lines of text broken to a width, as Python's textwrap does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort::jinja {

std::vector<std::string> wrap(std::string_view line, int64_t width, bool break_long_words,
                              bool break_on_hyphens);

}  // namespace cohort::jinja
