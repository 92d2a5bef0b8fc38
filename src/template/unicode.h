// Strings by code points, with Python's classes and cases of characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "template/value.h"

namespace cohort::jinja {

bool is_space(char32_t c);
bool is_printable(char32_t c);
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
bool is_identifier(std::string_view text);

std::u32string decode(std::string_view text);
std::string encode(std::u32string_view text);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
std::string casefold(std::string_view text);
std::string swapcase(std::string_view text);

// Without the characters of `set` (white space where it is none) at the ends.
std::string_view strip(std::string_view text, std::optional<std::string_view> set, bool left, bool right);

// The byte where code point `index` begins (the text's size for its length).
size_t byte_of(const Text& text, int64_t index);

// Python's line ends; `keep` the ends on the lines.
std::vector<std::string_view> split_lines(std::string_view text, bool keep);

}  // namespace cohort::jinja
