// Finds added tokens in a text: leftmost first, the longest of those that begin there.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "text/tokenizer_spec.h"
#include "text/trie.h"

namespace cohort {

class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;
  // Tokens and how each is spelt in the text; not empty. `split_special`: special ones are left in the text.
  AddedTokenMatcher(std::vector<std::pair<AddedToken, std::string>> tokens, bool split_special);
  bool empty() const { return tokens_.empty(); }

  // Cuts valid UTF-8 into stretches of text (id -1, never empty) and added tokens (with the white space they
  // take).
  void split(std::string_view text, const std::function<void(std::string_view, int32_t id)>& emit) const;

 private:
  std::vector<AddedToken> tokens_;
  Trie trie_;  // of indices of tokens_
  bool begins_[256] = {};
  bool split_special_ = false;
};

}  // namespace cohort
