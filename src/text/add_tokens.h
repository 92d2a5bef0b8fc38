// More tokens in a tokenizer's files.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cohort {

// Files of a folder, name and bytes, with `tokens` added under the ids first_id, first_id + 1, ...: in
// tokenizer.json, and in tokenizer_config.json and added_tokens.json where these list added tokens. They are
// found in a text as they stand, before normalisation. Throws Error "SOURCE: ..." where there is no
// tokenizer.json.
std::vector<std::pair<std::string, std::string>> with_added_tokens(
    std::vector<std::pair<std::string, std::string>> files, std::span<const std::string> tokens, bool special,
    int32_t first_id, const std::string& source);

}  // namespace cohort
