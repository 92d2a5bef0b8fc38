// JSON in and out through nlohmann-json, whose parser and writer are instantiated in json.cpp alone: they cost seconds in every file
// that names them. Both recurse, so a text may be kMaxJsonDepth deep.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace cohort {

inline constexpr int kMaxJsonDepth = 1000;

// The value that the whole text is. Throws nlohmann::json::exception with the line and the column where it is no JSON, and where it is
// too deep.
nlohmann::json parse_json(std::string_view text);
nlohmann::ordered_json parse_ordered_json(std::string_view text);

// As parse_json; throws where an object has a key twice as well.
nlohmann::json parse_json_unique_keys(std::string_view text);

// As parse_json, but an integer that 64 bits do not hold stays as the text of its digits; a double would lose them.
nlohmann::json parse_json_whole_digits(std::string_view text);

// As parse_json; a discarded value (is_discarded()) where that throws.
nlohmann::json try_parse_json(std::string_view text);

// Whether arrays and objects are nested deeper than `limit` somewhere; a text that is no JSON has some depth too.
bool json_deeper_than(std::string_view text, int limit);

// The value as text, in one line or indented; bytes that are not UTF-8 become U+FFFD. `ascii`: other letters as \u escapes.
std::string dump_json(const nlohmann::json& value, int indent = -1, bool ascii = false);
std::string dump_json(const nlohmann::ordered_json& value, int indent = -1);

// The text as a JSON string, quotes included, to stand in a line that is written by hand.
std::string json_text(std::string_view text);

}  // namespace cohort
