// How much of a text is in one language, word by word: by script where the language has one of its own, else by
// CLD2's verdict on the stretch that the word stands in.
#pragma once

#include <string>
#include <string_view>

namespace cohort {

struct LanguageShare {
  double words = 0;   // of any language
  double target = 0;  // of them, in the language
};

// Whether a code such as en, ko or zh is known.
bool is_known_language(std::string_view code);

// Code, formulas, tags, links and single Latin letters (variables) count as no words. In scripts without spaces two
// characters count as a word. Words of a stretch too short to tell apart count for the language where the script
// does. Closely related languages that CLD2 mixes up (id and ms; no, da and nn; hr, sr and bs) count as one.
LanguageShare language_share(std::string_view text, std::string_view code);

// What stands between <think> and </think> (or the end), else the whole completion.
std::string_view reasoning_of(std::string_view completion);

// The text with code (``` ``` and ` `), formulas ($ $, $$ $$, \( \), \[ \]), tags and links as spaces, byte for
// byte.
std::string prose_of(std::string_view text);

}  // namespace cohort
