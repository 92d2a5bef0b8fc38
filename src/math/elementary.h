// Trigonometric and hyperbolic functions and their inverses, by name.
#pragma once

#include <string_view>

#include "math/ball.h"

namespace cohort::math {

bool is_elementary(std::string_view name);

// Throws Undefined at a pole, and Outside where `real` is set and the value would be no real number.
Ball elementary(std::string_view name, const Ball& a, bool real);

}  // namespace cohort::math
