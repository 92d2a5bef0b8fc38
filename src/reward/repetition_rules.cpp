// Rewards for the words of a completion: repetition, and the marks of steps.
#include <algorithm>
#include <set>
#include <vector>

#include "base/utf8.h"
#include "reward/rules.h"
#include "reward/script.h"

namespace cohort {
namespace {

// Words between white space, ASCII letters in lower case; a character of a script without spaces is a word by itself.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;  // whether the last word may go on
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(text.substr(at));
    const std::string_view bytes = text.substr(at, c.size);
    at += c.size;
    if (bytes.size() == 1 && (bytes[0] == ' ' || (bytes[0] >= '\t' && bytes[0] <= '\r'))) {
      open = false;
      continue;
    }
    const bool alone = is_unspaced(script_of(c.code));
    if (!open || alone) words.emplace_back();
    for (char byte : bytes) words.back() += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
    open = !alone;
  }
  return words;
}

// 1 - distinct n-grams / n-grams; 0 where there is none.
double repeated_share(const std::vector<std::string>& words, size_t n) {
  if (words.size() < n) return 0;
  std::set<std::vector<std::string_view>> distinct;
  const size_t grams = words.size() - n + 1;
  for (size_t i = 0; i < grams; ++i)
    distinct.insert(std::vector<std::string_view>(words.begin() + static_cast<std::ptrdiff_t>(i),
                                                  words.begin() + static_cast<std::ptrdiff_t>(i + n)));
  return 1 - static_cast<double>(distinct.size()) / static_cast<double>(grams);
}

// "Step 12:", "12." at the text's begin, a line that begins with - or *, and words that order.
int64_t step_marks(std::string_view text) {
  const auto digits_at = [&](size_t at) {
    size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    return end - at;
  };
  int64_t marks = 0;
  if (const size_t n = digits_at(0); n > 0 && n < text.size() && text[n] == '.') ++marks;
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("\n-") || rest.starts_with("\n*")) ++marks;
    if (rest.starts_with("Step ")) {
      const size_t n = digits_at(at + 5);
      marks += n > 0 && at + 5 + n < text.size() && text[at + 5 + n] == ':';
    }
    for (const char* word : {"First,", "Second,", "Next,", "Finally,"}) marks += rest.starts_with(word);
  }
  return marks;
}

}  // namespace

// "Demystifying Long Chain-of-Thought Reasoning" (arXiv 2502.03373, appendix C.2), as open-r1 has it.
const RewardRule kRepetitionPenaltyRule = {
    "repetition_penalty",
    "repetition_max_penalty times the share of the completion's n-grams of words (repetition_n_grams) that "
    "are repeats",
    [](const RewardSettings& s, int64_t, RewardFunction& f) {
      f.call = [n = static_cast<size_t>(s.repetition_n_grams),
                most = s.repetition_max_penalty](const RewardInput& input) {
        const double share = repeated_share(words_of(input.completion), n);
        return computed(share == 0 ? 0 : share * most);
      };
    }};

const RewardRule kReasoningStepsRule = {
    "reasoning_steps",
    "marks of steps (Step 1:, a line that begins with - or *, First, ...), a third for each up to 1 "
    "(open-r1)",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = [](const RewardInput& input) {
        return computed(std::min(1.0, static_cast<double>(step_marks(input.completion)) / 3));
      };
    }};

}  // namespace cohort
