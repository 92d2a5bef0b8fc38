// The script that a character belongs to, as far as telling languages apart needs it.
#pragma once

#include <cstdint>

namespace cohort {

enum class Script : uint8_t {
  none,  // no letter
  latin,
  greek,
  cyrillic,
  armenian,
  hebrew,
  arabic,
  devanagari,
  bengali,
  gurmukhi,
  gujarati,
  tamil,
  telugu,
  kannada,
  malayalam,
  sinhala,
  thai,
  lao,
  myanmar,
  georgian,
  hangul,
  ethiopic,
  khmer,
  kana,
  han,
  other
};

// Of a letter or a combining mark (which may belong to the script before it: other).
Script script_of(char32_t code);

// Whether words are written without spaces between them.
bool is_unspaced(Script script);

}  // namespace cohort
