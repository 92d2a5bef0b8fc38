// Steps of a completion's reasoning by a rule: where they end, and whether each is the step that was wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"
#include "rl/sample.h"
#include "text/tokenizer.h"

namespace cohort {

// The steps that a row wants: its field `steps`, a list of strings. Throws Error that names `data` (the file,
// or the built-in task) and the row's line where the field is absent, empty or something else.
std::vector<std::string> gold_steps(const Row& row, std::string_view data);

// One past the last token of each step of the sampled tokens' text (without special tokens, but for the
// separator where it is one). A step ends with
// the token in which its separator ends; a separator with no text but white space since the one before ends
// no step. The last step ends at the end of the completion, so that what follows it without text of its own,
// such as the end token, belongs to it: a completion without a separator is one step. Not decreasing: two
// steps may end in one token. Empty where the completion has no tokens. Throws Error for an empty separator.
std::vector<int32_t> step_ends(const Tokenizer& tokenizer, const Sample& sample,
                               std::string_view step_separator);

// The text of each of these steps as it stands: joined with the separator they are the text again.
std::vector<std::string> step_texts(const Tokenizer& tokenizer, const Sample& sample,
                                    std::string_view step_separator);

// Writes Sample::steps: the reward of step j is 1 where its text, without surrounding white space, is that of
// gold step j, else 0; a step beyond the gold ones 0.
void score_steps(const Tokenizer& tokenizer, const std::vector<std::string>& gold_steps,
                 std::string_view step_separator, Sample& sample);

}  // namespace cohort
