// The prose of a completion: what is left of it without code, formulas, tags and links.
#include <algorithm>
#include <array>

#include "reward/language.h"

namespace cohort {
namespace {

struct Quoted {
  std::string_view open, close;
  size_t most;  // bytes; what is longer is prose, so that the time is linear in the text
  bool one_line;
};
// The first that fits wins, so the longer ones stand first.
constexpr std::array<Quoted, 7> kQuoted = {{{"```", "```", std::string_view::npos, false},
                                            {"`", "`", 1000, true},
                                            {"$$", "$$", 4000, false},
                                            {"$", "$", 1000, true},
                                            {"\\(", "\\)", 4000, false},
                                            {"\\[", "\\]", 4000, false},
                                            {"<", ">", 40, true}}};

// Where what begins at `at` ends, or `at` where nothing does. What is never closed is prose, but for a code block,
// which goes on to the end.
size_t quoted_end(std::string_view text, size_t at) {
  for (const Quoted& q : kQuoted) {
    const std::string_view rest = text.substr(at, q.most);
    if (!rest.starts_with(q.open)) continue;
    const size_t close = rest.find(q.close, q.open.size());
    if (close == std::string_view::npos) return q.open == "```" ? text.size() : at;
    const std::string_view inside = rest.substr(q.open.size(), close - q.open.size());
    if (q.one_line && inside.find('\n') != std::string_view::npos) return at;
    if (q.open == "<" && (inside.empty() || inside[0] == ' ')) return at;  // a < b
    return at + close + q.close.size();
  }
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("http://") || rest.starts_with("https://")) {
    const size_t end = rest.find_first_of(" \t\r\n)>");
    return end == std::string_view::npos ? text.size() : at + end;
  }
  return at;
}

}  // namespace

std::string_view reasoning_of(std::string_view completion) {
  constexpr std::string_view open = "<think>", close = "</think>";
  const size_t begin = completion.find(open), end = completion.find(close);
  const size_t from = begin != std::string_view::npos && begin < end ? begin + open.size() : 0;
  if (from == 0 && end == std::string_view::npos) return completion;
  return completion.substr(from, end == std::string_view::npos ? end : end - from);
}

std::string prose_of(std::string_view text) {
  std::string prose(text);
  for (size_t at = 0; at < text.size();) {
    const size_t end = quoted_end(text, at);
    std::fill(prose.begin() + static_cast<std::ptrdiff_t>(at),
              prose.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    at = std::max(end, at + 1);
  }
  return prose;
}

}  // namespace cohort
