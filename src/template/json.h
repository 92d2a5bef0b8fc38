// JSON in and out, as Python's json module has it: the order of keys is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "template/value.h"

namespace cohort::jinja {

// One JSON text. Throws Error with the byte where it is none, nests deeper than 500, or holds an integer
// beyond 64 bits.
Value read_json(std::string_view text);

struct JsonStyle {
  bool ascii_only = false;
  bool sort_keys = false;
  std::optional<std::string> indent;
  std::string item_separator = ", ", key_separator = ": ";
};

// json.dumps. Throws Error for what JSON cannot hold.
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace cohort::jinja
