// Characters that are other ways to write ASCII or LaTeX: full-width and bold digits, 10⁻⁵, x₁, 1⁄2, ∛2,
// 0.3̅.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cohort::math {

// The text in which these stand as ASCII or LaTeX; nothing where it has none of them.
std::optional<std::string> plain_unicode(std::string_view text);

}  // namespace cohort::math
