// Text into HTML, whatever bytes it holds.
#pragma once

#include <string>
#include <string_view>

namespace cohort {

// For element content and for attribute values in double quotes: markup characters become references; what is
// no valid UTF-8, and control characters that HTML forbids, become U+FFFD.
std::string html_text(std::string_view bytes);

}  // namespace cohort
