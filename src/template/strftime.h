// Dates as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cohort::jinja {

// `seconds` since 1970-01-01 00:00 of the clock on the wall, by the C locale's strftime: %d %b %Y %H:%M ...
std::string strftime(std::string_view format, int64_t seconds);

// The clock on the wall, as above.
int64_t local_now();

}  // namespace cohort::jinja
