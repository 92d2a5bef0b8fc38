// Answers in words, compared as SQuAD's evaluation script compares them (Rajpurkar et al., arXiv 1606.05250): in lower case, without
// punctuation and articles, white space as one space. What comes before </think> and the answer's tags do not count.
#include <utf8proc.h>

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "reward/format.h"
#include "reward/rules.h"

namespace cohort {
namespace {

bool is_punctuation(char32_t c) {  // Python's string.punctuation
  return (c > 0x20 && c < 0x30) || (c > 0x39 && c < 0x41) || (c > 0x5A && c < 0x61) || (c > 0x7A && c < 0x7F);
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 ||
         (c >= 0x80 && utf8proc_category(static_cast<utf8proc_int32_t>(c)) >= UTF8PROC_CATEGORY_ZS &&
          utf8proc_category(static_cast<utf8proc_int32_t>(c)) <= UTF8PROC_CATEGORY_ZP);
}

std::vector<std::string> normalized_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end = [&] {
    if (!word.empty() && word != "a" && word != "an" && word != "the") words.push_back(word);
    word.clear();
  };
  while (!text.empty()) {
    const Utf8Char c = next_utf8(text);
    text.remove_prefix(c.size);
    if (is_space(c.code))
      end();
    else if (!is_punctuation(c.code))
      append_utf8(word, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
  }
  end();
  return words;
}

std::vector<std::string> given_words(std::string_view completion) {
  constexpr std::string_view kThought = "</think>";
  if (const size_t at = completion.rfind(kThought); at != std::string_view::npos)
    completion.remove_prefix(at + kThought.size());
  return normalized_words(answer_tag(completion).value_or(completion));
}

double same_words(const std::vector<std::string>& given, const std::vector<std::string>& expected) {
  return given == expected;
}

// The harmonic mean of precision and recall of words, each counted as often as it stands there.
double f1(const std::vector<std::string>& given, const std::vector<std::string>& expected) {
  std::map<std::string_view, int64_t> left;
  for (const std::string& word : expected) ++left[word];
  int64_t common = 0;
  for (const std::string& word : given)
    if (const auto it = left.find(word); it != left.end() && it->second > 0) --it->second, ++common;
  return common == 0 ? 0 : 2 * static_cast<double>(common) / static_cast<double>(given.size() + expected.size());
}

// The best of the row's answers.
template <auto compare>
RewardResult best_match(const RewardInput& input) {
  std::string reason;
  const std::vector<std::string> expected = expected_answers(input.fields, reason);
  if (expected.empty()) return not_computed(reason);
  const std::vector<std::string> given = given_words(input.completion);
  double best = 0;
  for (const std::string& answer : expected) best = std::max(best, compare(given, normalized_words(answer)));
  return computed(best);
}

std::string extract(std::string_view completion) {
  std::string text;
  for (const std::string& word : given_words(completion)) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

const RewardRule kTextMatchRule = {
    "text_match", "1 where the answer's words are one of the row's answers, without case, punctuation and articles",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = best_match<same_words>;
      f.extract = extract;
    }};

const RewardRule kTokenF1Rule = {
    "token_f1", "F1 of the answer's words against those of the nearest of the row's answers, as SQuAD counts them",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = best_match<f1>;
      f.extract = extract;
    }};

}  // namespace cohort
