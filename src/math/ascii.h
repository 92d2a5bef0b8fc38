// Letters and digits of ASCII, whatever the locale.
#pragma once

#include <string_view>

namespace cohort::math {

inline constexpr size_t npos = std::string_view::npos;  // where a search found nothing

inline bool digit(char c) { return c >= '0' && c <= '9'; }
inline bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace cohort::math
