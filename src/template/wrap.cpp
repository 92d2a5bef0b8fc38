#include "template/wrap.h"

#include <algorithm>

#include "base/check.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

bool blank(char32_t c) { return c == ' ' || (c >= 9 && c <= 13); }

// Words and the blanks between them; words are cut behind a hyphen between letters.
std::vector<std::u32string> chunks_of(const std::u32string& text, bool hyphens) {
  std::vector<std::u32string> chunks;
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i;
    const bool space = blank(text[i]);
    while (end < text.size() && blank(text[end]) == space) {
      ++end;
      const bool letters = !space && hyphens && end >= i + 3 && text[end - 1] == '-' &&
                           end + 1 < text.size() && is_alpha(text[end - 2]) && is_alpha(text[end - 3]) &&
                           is_alpha(text[end]) && is_alpha(text[end + 1]);
      if (letters) break;
    }
    chunks.push_back(text.substr(i, end - i));
    i = end;
  }
  return chunks;
}

}  // namespace

std::vector<std::string> wrap(std::string_view line, int64_t width, bool break_long, bool hyphens) {
  if (width <= 0) fail("invalid width {} (must be > 0)", width);
  const auto room = static_cast<size_t>(width);
  std::vector<std::u32string> chunks = chunks_of(decode(line), hyphens);
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  while (!chunks.empty()) {
    std::vector<std::u32string> current;
    size_t length = 0;
    if (blank(chunks.back()[0]) && !lines.empty()) chunks.pop_back();
    while (!chunks.empty() && length + chunks.back().size() <= room) {
      length += chunks.back().size();
      current.push_back(std::move(chunks.back()));
      chunks.pop_back();
    }
    if (!chunks.empty() && chunks.back().size() > room) {
      const size_t left = room - length;
      if (break_long) {
        size_t end = left;
        std::u32string& chunk = chunks.back();
        if (hyphens && chunk.size() > left) {
          const size_t hyphen = left == 0 ? chunk.npos : chunk.rfind(U'-', left - 1);
          if (hyphen != chunk.npos && hyphen > 0 && chunk.find_first_not_of(U'-') < hyphen) end = hyphen + 1;
        }
        if (end > 0) current.push_back(chunk.substr(0, end));
        chunk.erase(0, end);
      } else if (current.empty()) {
        current.push_back(std::move(chunks.back()));
        chunks.pop_back();
      }
    }
    if (!current.empty() && blank(current.back()[0])) current.pop_back();
    if (current.empty()) continue;
    std::u32string all;
    for (const std::u32string& chunk : current) all += chunk;
    lines.push_back(encode(all));
  }
  return lines;
}

}  // namespace cohort::jinja
