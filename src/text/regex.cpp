#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include "base/check.h"

namespace cohort {
namespace {

// White_Space of Unicode; PCRE2's own \s has U+180E besides. Written for the inside of a class.
constexpr const char* kSpaces = R"(\t-\r\x20\x{85}\p{Z})";

// Rewrites \s and \S, and refuses what Oniguruma reads differently: nested classes and &&, \w \b \h, and
// possessive intervals ({1,3}+ is a greedy repeat there).
std::string translate(std::string_view pattern, std::string_view where) {
  std::string out;
  bool in_class = false;
  const auto refuse = [&](std::string_view what) {
    fail("{}: {} in the pattern is not supported: {}", where, what, pattern);
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (std::string_view("wWbBhH").find(next) != std::string_view::npos) refuse(fmt::format("\\{}", next));
      if (next == 's' || (next == 'S' && !in_class)) {
        out += in_class ? kSpaces : fmt::format("[{}{}]", next == 'S' ? "^" : "", kSpaces);
        continue;
      }
      if (next == 'S') refuse("\\S inside a class");
      out += c;
      out += next;
      if ((next == 'p' || next == 'P' || next == 'x') && i + 1 < pattern.size() && pattern[i + 1] == '{') {
        const size_t close = pattern.find('}', i);
        if (close == std::string_view::npos) refuse("an unclosed brace");
        out += pattern.substr(i + 1, close - i);
        i = close;
      }
      continue;
    }
    if (in_class) {
      if (c == '[') refuse("a nested class");
      if (c == '&' && pattern.substr(i, 2) == "&&") refuse("&&");
      if (c == ']') in_class = false;
    } else if (c == '[') {
      in_class = true;
    } else if (c == '{') {
      const size_t close = pattern.find('}', i);
      if (close != std::string_view::npos && pattern.substr(close + 1, 1) == "+")
        refuse("a possessive interval");
    }
    out += c;
  }
  return out;
}

// What a match needs besides the code; one per thread.
struct MatchState {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 << 10, 8 << 20, nullptr);

  MatchState() {
    COHORT_CHECK(data && context && stack, "PCRE2 has no memory");
    pcre2_set_match_limit(context, 50'000'000);
    pcre2_set_heap_limit(context, 64 << 10);  // KiB
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchState() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
};

std::string message_of(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern) {
  const std::string translated = translate(pattern, where);
  int error = 0;
  PCRE2_SIZE offset = 0;
  std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                                   &offset, context.get());
  if (!code) fail("{}: the pattern is not valid ({}): {}", where, message_of(error), pattern);
  code_.reset(code, pcre2_code_free);
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where there is no JIT, matching interprets
}

bool Regex::find(std::string_view subject, size_t start, size_t& begin, size_t& end) const {
  static thread_local MatchState state;
  const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                                start, PCRE2_NO_UTF_CHECK, state.data, state.context);
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0)
    fail("the tokenizer's pattern {} cannot be matched at byte {} of a text: {}", pattern_, start,
         message_of(found));
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(state.data);
  begin = offsets[0];
  end = offsets[1];
  return true;
}

}  // namespace cohort
