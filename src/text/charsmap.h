// SentencePiece's precompiled_charsmap: a double-array trie (Darts) from character sequences to their
// normalised spelling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

class Charsmap {
 public:
  Charsmap() = default;
  // Throws Error starting with `where` where the bytes are no charsmap. Whatever they hold, look-ups stay
  // inside them.
  Charsmap(std::string_view bytes, const std::string& where);

  // The spelling of the shortest or the longest sequence that `text` begins with, and that sequence's length.
  enum class Match { shortest, longest };
  std::optional<std::string_view> find(std::string_view text, Match match, size_t& length) const;

 private:
  std::vector<uint32_t> units_;
  std::string spellings_;  // each ends with a byte 0
};

}  // namespace cohort
