// Places in a text where an answer may stand.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace cohort::math {

struct Span {
  size_t from = 0, to = 0;  // of all of it, marks included
  std::string_view inside;
};

std::string_view trimmed(std::string_view s);

// All \boxed{...}, \fbox{...} and \boxed 5. A box that is not closed reaches to the end of its line or
// formula.
std::vector<Span> boxes(std::string_view text);

// All $...$, $$...$$, \(...\) and \[...\]. Money ("$7.78 for") opens none where it is followed by a word's
// text to the next $.
std::vector<Span> formulas(std::string_view text);

// Whether words stand in a text that are no names of mathematics.
bool prose(std::string_view text);

// The end of the sentence that starts at `from`.
size_t sentence_end(std::string_view text, size_t from);

struct Phrase {
  size_t at = std::string_view::npos, after = 0;
  bool final = false;
};

// The last "the answer is", "final answer:", "answer:" and the like.
Phrase last_phrase(std::string_view text);

// The last number of a text, as written, with its sign, fraction, percent sign or exponent.
std::optional<std::string_view> number_at_end(std::string_view text);

// The last number, or the formula without marks that it is a part of: "\frac{10}{9}", "2^10", "3x^2".
std::optional<std::string_view> value_at_end(std::string_view text);

}  // namespace cohort::math
