// A pattern as Oniguruma reads it (Hugging Face tokenizers' engine, Ruby syntax), written for PCRE2.
#pragma once

#include <string>
#include <string_view>

namespace cohort {

// Throws Error starting with `where` for what PCRE2 cannot say.
std::string translate_regex(std::string_view pattern, std::string_view where);

}  // namespace cohort
