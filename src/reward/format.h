// R1's template (DeepSeek-R1, arXiv 2501.12948, table 1): <think> reasoning </think> <answer> answer
// </answer>.
#pragma once

#include <optional>
#include <string_view>

namespace cohort {

// Strict: each of the four tags exactly once, in this order; only white space before <think>, between
// </think> and <answer>, and after
// </answer>; the answer holds something other than white space. The reasoning may be empty. Tags are lower
// case, without attributes.
bool follows_think_answer(std::string_view completion);

// What stands in the last <answer> ... </answer>, without surrounding white space; nothing where there is
// none, or where the last <answer> is not closed.
std::optional<std::string_view> answer_tag(std::string_view completion);

std::string_view trim(std::string_view text);  // space, tab, line feed, carriage return

}  // namespace cohort
