// Regular expressions of tokenizer files, run by PCRE2 (JIT, Unicode) with the meaning that they have in
// Hugging Face tokenizers, whose engine is Oniguruma: `^` and `$` are line ends, `.` stops at a newline, `\s`
// is Unicode's White_Space.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace cohort {

// Immutable and safe to use from several threads.
class Regex {
 public:
  // Throws Error starting with `where` for a pattern that PCRE2 rejects or that the two engines read
  // differently.
  Regex(std::string_view pattern, std::string_view where);

  // The first match at or after byte `start` of valid UTF-8. Throws Error when the pattern needs more than
  // the match limit.
  bool find(std::string_view subject, size_t start, size_t& begin, size_t& end) const;

 private:
  std::string pattern_;
  std::shared_ptr<pcre2_real_code_8> code_;
};

}  // namespace cohort
