// The functions that every template can call.
#pragma once

#include <string_view>

#include "template/object.h"

namespace cohort::jinja {

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now; null: there is none of this name.
const Value* global(std::string_view name);

}  // namespace cohort::jinja
