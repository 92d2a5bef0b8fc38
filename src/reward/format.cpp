#include "reward/format.h"

namespace cohort {
namespace {

std::string opening(const std::string& tag) { return "<" + tag + ">"; }
std::string closing(const std::string& tag) { return "</" + tag + ">"; }

// Where a tag stands, where it does so exactly once; else npos.
size_t only_place(std::string_view text, std::string_view tag) {
  const size_t at = text.find(tag);
  if (at == std::string_view::npos || text.find(tag, at + 1) != std::string_view::npos)
    return std::string_view::npos;
  return at;
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\n\r";
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

bool follows_format(std::string_view completion, std::span<const std::string> tags, bool strict) {
  size_t end = 0;  // of the last tag
  for (size_t i = 0; i < tags.size(); ++i) {
    const std::string open = opening(tags[i]), close = closing(tags[i]);
    const size_t from = only_place(completion, open), to = only_place(completion, close);
    if (from == std::string_view::npos || to == std::string_view::npos || from < end ||
        to < from + open.size())
      return false;
    const bool bare = trim(completion.substr(end, from - end)).empty();
    if (!bare && (strict || i == 0)) return false;
    const std::string_view part = completion.substr(from + open.size(), to - from - open.size());
    if (strict && i + 1 == tags.size() && trim(part).empty()) return false;
    end = to + close.size();
  }
  return !strict || trim(completion.substr(end)).empty();
}

double tag_count(std::string_view completion, std::span<const std::string> tags) {
  double once = 0;
  for (const std::string& tag : tags)
    for (const std::string& text : {opening(tag), closing(tag)})
      once += only_place(completion, text) != std::string_view::npos;
  return tags.empty() ? 0 : once / (2 * static_cast<double>(tags.size()));
}

std::optional<std::string_view> answer_tag(std::string_view completion) {
  constexpr std::string_view kOpen = "<answer>";
  const size_t open = completion.rfind(kOpen);
  if (open == std::string_view::npos) return std::nullopt;
  const size_t begin = open + kOpen.size();
  const size_t close = completion.find("</answer>", begin);
  if (close == std::string_view::npos) return std::nullopt;
  return trim(completion.substr(begin, close - begin));
}

}  // namespace cohort
