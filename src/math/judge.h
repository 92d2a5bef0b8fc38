// Whether a completion's final answer is the expected one: right, wrong, or not to be judged within the
// bounds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "math/equal.h"
#include "math/extract.h"

namespace cohort::math {

struct MathOptions {
  ExtractOptions extract;
  EqualOptions equal;
  int64_t work = 100000;  // units of Work for one comparison, all its readings together: some milliseconds
};

struct MathVerdict {
  enum Outcome { right, wrong, unjudged } outcome = wrong;
  std::string reason;
  std::string extracted;  // the answer's text, empty where none was found
};

// `gold`: the expected answer, bare ("10/9") or as a solution that ends in one ("... \boxed{20} percent.").
// Any bytes are accepted; nothing is thrown.
MathVerdict judge_math(std::string_view gold, std::string_view completion, const MathOptions& options = {});

// The completion's answer in a form in which equal answers mostly have equal text (numbers, collections of
// numbers, formulas in the same variables, words); empty where there is none.
std::string canonical_answer(std::string_view completion, const MathOptions& options = {});
std::string canonical_text(std::string_view answer, int64_t work = 20000);

// The letter of a multiple choice: "B", "(B)", "\textbf{(B)}", "(B) 12", "B. 12"; nothing for other text.
std::optional<char> choice_letter(std::string_view text);
// The letter that an answer's sentence begins with: "C, since B fails", "C (B is close)".
std::optional<char> leading_choice(std::string_view sentence);
// The choice that prose tells: the last "I choose B", "it must be B", "the correct option is B"; where there is
// none, the only letter that stands where a choice does: "Because B is valid".
std::optional<char> choice_in_prose(std::string_view text);

}  // namespace cohort::math
