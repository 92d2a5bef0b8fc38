// Characters that came to Unicode after version 14, which is what PCRE2 10.42 knows: a pattern's \\p{L} means
// them too.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cohort {

struct UnicodeAddition {
  uint32_t first, last;
  std::string_view category;  // Lu, Mn, So ..., or Han for the script
};

const std::vector<UnicodeAddition>& unicode_additions();

}  // namespace cohort
