#include "text/added_tokens.h"

#include "base/utf8.h"
#include "text/characters.h"

namespace cohort {

AddedTokenMatcher::AddedTokenMatcher(std::vector<std::pair<AddedToken, std::string>> tokens, bool split_special)
    : split_special_(split_special) {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  for (const auto& [token, content] : tokens) {
    keys.emplace_back(content, static_cast<int32_t>(tokens_.size()));
    begins_[static_cast<uint8_t>(content[0])] = true;
    tokens_.push_back(token);
  }
  trie_ = Trie(std::move(keys));
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view, int32_t id)>& emit) const {
  size_t done = 0;  // everything before it has been emitted
  for (size_t at = 0; at < text.size();) {
    if (!begins_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    size_t size = 0;
    const int32_t index = trie_.longest(text.substr(at), size);
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    size_t begin = at, end = at + size;
    at = end;  // also a match that is turned down covers what it matched
    if (split_special_ && token.special) continue;
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
