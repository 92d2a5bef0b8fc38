// A set of byte strings with a number each: finds those that are beginnings of a text.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace cohort {

// Immutable. Its memory is linear in the keys' bytes; a look-up takes one step per byte of the text.
class Trie {
 public:
  Trie() = default;
  // Keys are not empty; of equal ones the last counts. Numbers are >= 0.
  explicit Trie(std::vector<std::pair<std::string_view, int32_t>> keys);

  bool empty() const { return nodes_.size() <= 1; }

  // Calls found(length, number) for each key that `text` begins with, shortest first.
  template <class Found>
  void prefixes(std::string_view text, Found&& found) const {
    if (nodes_.empty()) return;
    uint32_t node = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      node = child(node, static_cast<uint8_t>(text[at]));
      if (node == 0) return;
      if (nodes_[node].number >= 0) found(at + 1, nodes_[node].number);
    }
  }

  // The number of the longest key that `text` begins with and its length, or -1.
  int32_t longest(std::string_view text, size_t& length) const {
    int32_t best = -1;
    prefixes(text, [&](size_t size, int32_t number) { best = number, length = size; });
    return best;
  }

 private:
  struct Node {
    uint32_t first = 0;  // its children are neighbours, in order of their bytes
    uint16_t count = 0;
    int32_t number = -1;
  };
  // 0 (the root, nobody's child) where there is none.
  uint32_t child(uint32_t node, uint8_t byte) const {
    if (node == 0) return root_[byte];
    const Node& n = nodes_[node];
    if (n.count == 0) return 0;
    const void* found = std::memchr(bytes_.data() + n.first, byte, n.count);
    return found ? static_cast<uint32_t>(static_cast<const uint8_t*>(found) - bytes_.data()) : 0;
  }

  std::vector<Node> nodes_;
  std::vector<uint8_t> bytes_;  // by node: the byte that leads to it
  uint32_t root_[256] = {};
};

}  // namespace cohort
