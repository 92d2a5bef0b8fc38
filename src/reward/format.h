// Templates of tags, such as R1's (DeepSeek-R1, arXiv 2501.12948, table 1): <think> reasoning </think>
// <answer> answer </answer>.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

// Each of <a> </a> <b> </b> ... for tags a, b ... exactly once, in this order; only white space before the first.
// Strict: only white space between the parts and after them too, and the last part holds something else.
// Lenient: any text there, and empty parts. Tags are as written, without attributes.
bool follows_format(std::string_view completion, std::span<const std::string> tags, bool strict);

// The share of these 2 x tags that stand in the text exactly once.
double tag_count(std::string_view completion, std::span<const std::string> tags);

// What stands in the last <answer> ... </answer>, without surrounding white space; nothing where there is
// none, or where the last <answer> is not closed.
std::optional<std::string_view> answer_tag(std::string_view completion);

std::string_view trim(std::string_view text);  // space, tab, line feed, carriage return

}  // namespace cohort
