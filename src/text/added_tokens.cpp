#include "text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace cohort {
namespace {

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  if (c == 0x85) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

// \w of Rust's regex crate: letters, marks, decimal digits, connector punctuation, joiners.
bool is_word(char32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

Utf8Char last_utf8(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  return next_utf8(text.substr(at));
}

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token, std::string_view content) {
  uint32_t node = 0;
  for (const char c : content) {
    const auto [edge, fresh] = edges_.try_emplace(uint64_t{node} << 8 | static_cast<uint8_t>(c),
                                                  static_cast<uint32_t>(ends_.size()));
    if (fresh) ends_.push_back(-1);
    node = edge->second;
  }
  ends_[node] = static_cast<int32_t>(tokens_.size());
  begins_[static_cast<uint8_t>(content[0])] = true;
  tokens_.push_back(token);
}

int32_t AddedTokenMatcher::longest(std::string_view text, size_t at, size_t& end) const {
  int32_t found = -1;
  uint64_t node = 0;
  while (at < text.size()) {
    const auto edge = edges_.find(node << 8 | static_cast<uint8_t>(text[at]));
    if (edge == edges_.end()) break;
    node = edge->second;
    ++at;
    if (ends_[node] >= 0) found = ends_[node], end = at;
  }
  return found;
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view, int32_t id)>& emit) const {
  size_t done = 0;  // everything before it has been emitted
  for (size_t at = 0; at < text.size();) {
    if (!begins_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    size_t end = at;
    const int32_t index = longest(text, at, end);
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    size_t begin = at;
    at = end;  // also a match that is turned down covers what it matched
    if (token.single_word) {
      const bool word_before = begin > 0 && is_word(last_utf8(text.substr(0, begin)).code);
      const bool word_after = end < text.size() && is_word(next_utf8(text.substr(end)).code);
      if (word_before || word_after) continue;
    }
    if (begin < done) continue;  // the token before took its beginning as white space
    if (token.lstrip) {
      while (begin > done) {
        const Utf8Char c = last_utf8(text.substr(0, begin));
        if (!is_space(c.code)) break;
        begin -= c.size;
      }
    }
    if (token.rstrip) {
      while (end < text.size()) {
        const Utf8Char c = next_utf8(text.substr(end));
        if (!is_space(c.code)) break;
        end += c.size;
      }
    }
    if (begin > done) emit(text.substr(done, begin - done), -1);
    emit(text.substr(begin, end - begin), token.id);
    done = end;
  }
  if (done < text.size()) emit(text.substr(done), -1);
}

}  // namespace cohort
