// Classes of characters, as Hugging Face tokenizers asks for them (Rust's char methods and its regex crate).
#pragma once

#include <string_view>

#include "base/utf8.h"

namespace cohort {

bool is_space(char32_t c);  // White_Space
bool is_word(char32_t c);   // \w: letters, marks, decimal digits, connector punctuation, joiners
bool is_mark(char32_t c);   // general category M

// The last character of valid UTF-8, not empty.
Utf8Char last_utf8(std::string_view text);

// "▁", which SentencePiece writes for a space.
inline constexpr std::string_view kMetaspace = "\xE2\x96\x81";

// The text with every `from` (not empty) as `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace cohort
