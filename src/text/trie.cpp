#include "text/trie.h"

#include <algorithm>

#include "base/check.h"

namespace cohort {

Trie::Trie(std::vector<std::pair<std::string_view, int32_t>> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  struct Range {  // the keys below a node, which share `depth` bytes
    size_t begin, end, depth;
  };
  std::vector<Range> ranges;  // by node, breadth first: children become neighbours
  const auto add = [&](Range range, uint8_t byte) {
    COHORT_CHECK(nodes_.size() < UINT32_MAX, "a vocabulary of more than 4 G bytes");
    nodes_.emplace_back();
    bytes_.push_back(byte);
    ranges.push_back(range);
  };
  add({0, keys.size(), 0}, 0);
  for (size_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    for (; begin < end && keys[begin].first.size() == depth; ++begin)
      nodes_[node].number = keys[begin].second;
    nodes_[node].first = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = keys[begin].first[depth];
      size_t next = begin;
      while (next < end && keys[next].first[depth] == byte) ++next;
      add({begin, next, depth + 1}, static_cast<uint8_t>(byte));
      ++nodes_[node].count;
      if (node == 0) root_[static_cast<uint8_t>(byte)] = static_cast<uint32_t>(nodes_.size() - 1);
      begin = next;
    }
  }
}

}  // namespace cohort
