// What a string between quotes stands for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cohort::jinja {

// Resolves Python's escapes (\n, \x41, \u00e9, \101 ...; an unknown one stays as it is). None where one is
// broken.
std::optional<std::string> unescape(std::string_view text);

}  // namespace cohort::jinja
