#include "template/wrap.h"

#include "base/check.h"
#include "template/limits.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

bool blank(char32_t c) { return c == ' ' || (c >= 9 && c <= 13); }

// Words and the blanks between them; words are cut behind a hyphen between letters.
std::vector<std::u32string_view> chunks_of(std::u32string_view text, bool hyphens) {
  std::vector<std::u32string_view> chunks;
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
  const std::u32string text = decode(line);
  std::vector<std::u32string_view> chunks = chunks_of(text, hyphens);
  std::vector<std::string> lines;
  size_t at = 0;  // the first chunk that is not in a line yet
  while (at < chunks.size()) {
    spend(1);
    std::vector<std::u32string_view> current;
    size_t length = 0;
    if (blank(chunks[at][0]) && !lines.empty()) ++at;
    while (at < chunks.size() && length + chunks[at].size() <= room) {
      length += chunks[at].size();
      current.push_back(chunks[at++]);
    }
    if (at < chunks.size() && chunks[at].size() > room) {
      std::u32string_view& chunk = chunks[at];
      if (break_long) {
        size_t end = room - length;
        const std::u32string_view fits = chunk.substr(0, end);
        const size_t hyphen = hyphens ? fits.rfind(U'-') : fits.npos;
        if (hyphen != fits.npos && fits.find_first_not_of(U'-') < hyphen) end = hyphen + 1;
        if (end > 0) current.push_back(chunk.substr(0, end));
        chunk.remove_prefix(end);
      } else if (current.empty()) {
        current.push_back(chunk);
        ++at;
      }
    }
    if (!current.empty() && blank(current.back()[0])) current.pop_back();
    if (current.empty()) continue;
    std::u32string all;
    for (const std::u32string_view chunk : current) all += chunk;
    lines.push_back(encode(all));
  }
  return lines;
}

}  // namespace cohort::jinja
