// JSON that is written by hand, as part of a longer line.
#pragma once

#include <string>
#include <string_view>

namespace cohort {

// The text as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD, so it can always be
// read.
std::string json_text(std::string_view text);

}  // namespace cohort
