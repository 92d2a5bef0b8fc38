// Finds added tokens in a text: leftmost first, the longest of those that begin there.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer_spec.h"

namespace cohort {

class AddedTokenMatcher {
 public:
  void add(const AddedToken& token, std::string_view content);  // content: as it is looked for; not empty
  bool empty() const { return tokens_.empty(); }

  // Cuts valid UTF-8 into stretches of text (id -1, never empty) and added tokens (with the white space they
  // take).
  void split(std::string_view text, const std::function<void(std::string_view, int32_t id)>& emit) const;

 private:
  // The longest token that begins at text[at]: an index of tokens_ and its end, or -1.
  int32_t longest(std::string_view text, size_t at, size_t& end) const;

  std::vector<AddedToken> tokens_;
  // A trie: node 0 is the root; edges_ maps node << 8 | byte to a node; ends_[node] is a token or -1.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> ends_{-1};
  bool begins_[256] = {};
};

}  // namespace cohort
