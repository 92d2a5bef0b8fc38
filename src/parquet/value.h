// The values of leaves as JSON.
#pragma once

#include <string>

#include "parquet/encoding.h"

namespace cohort::parquet {

// Appends the value: numbers and booleans as such (NaN and infinities as null), text, decimals, UUIDs,
// dates and times as strings. Throws Error where bytes are no text in UTF-8 and where a time of day or a
// decimal is out of range.
void append_value(const Leaf& leaf, const Value& value, std::string& line);

}  // namespace cohort::parquet
