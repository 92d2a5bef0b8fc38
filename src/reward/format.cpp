#include "reward/format.h"

namespace cohort {
namespace {

constexpr std::string_view kTags[] = {"<think>", "</think>", "<answer>", "</answer>"};

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\n\r";
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

bool follows_think_answer(std::string_view completion) {
  size_t at[4];
  for (int i = 0; i < 4; ++i) {
    at[i] = completion.find(kTags[i]);
    if (at[i] == std::string_view::npos || completion.find(kTags[i], at[i] + 1) != std::string_view::npos)
      return false;
    if (i > 0 && at[i] < at[i - 1] + kTags[i - 1].size()) return false;
  }
  const auto between = [&](int i, size_t end) {  // what stands after tag i
    const size_t begin = at[i] + kTags[i].size();
    return completion.substr(begin, end - begin);
  };
  return trim(completion.substr(0, at[0])).empty() && trim(between(1, at[2])).empty() &&
         !trim(between(2, at[3])).empty() && trim(between(3, completion.size())).empty();
}

std::optional<std::string_view> answer_tag(std::string_view completion) {
  const size_t open = completion.rfind(kTags[2]);
  if (open == std::string_view::npos) return std::nullopt;
  const size_t begin = open + kTags[2].size();
  const size_t close = completion.find(kTags[3], begin);
  if (close == std::string_view::npos) return std::nullopt;
  return trim(completion.substr(begin, close - begin));
}

}  // namespace cohort
