// GPT-2's alphabet for byte-level vocabularies: every byte has one printable character. Printable Latin-1
// bytes stand for themselves, the other 68 bytes are U+0100, U+0101 ... in increasing order (so a space is
// U+0120).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cohort {

// The bytes that a token spelt in this alphabet stands for; nothing where a character is not of the alphabet.
std::optional<std::string> from_byte_level(std::string_view token);

// Every byte as its character.
std::string to_byte_level(std::string_view bytes);

}  // namespace cohort
