// A text searched for in another, in time linear in what is gone over, whatever the two are made of. Both spend
// for it (template/limits.h).
#pragma once

#include <string_view>

namespace cohort::jinja {

// Where `what` begins first, from byte `from` on; npos: nowhere.
size_t find_text(std::string_view text, std::string_view what, size_t from = 0);
// Where it begins last.
size_t rfind_text(std::string_view text, std::string_view what);

}  // namespace cohort::jinja
