#include "tree/token_tree.h"

#include "base/check.h"

namespace cohort {

int32_t TokenTree::add(int32_t parent, std::span<const int32_t> segment_tokens) {
  const int32_t index = static_cast<int32_t>(segments.size());
  COHORT_CHECK(parent >= -1 && parent < index, "parent {} of segment {}", parent, index);
  const int32_t position = parent < 0 ? 0 : segments[parent].position + segments[parent].length();
  const int32_t begin = static_cast<int32_t>(tokens.size());
  tokens.insert(tokens.end(), segment_tokens.begin(), segment_tokens.end());
  segments.push_back({parent, begin, static_cast<int32_t>(tokens.size()), position});
  return index;
}

int32_t TokenTree::last_row(int32_t segment) const {
  while (segment >= 0 && segments[segment].length() == 0) segment = segments[segment].parent;
  return segment < 0 ? -1 : segments[segment].end - 1;
}

int32_t TokenTree::add_completion(int32_t parent, std::span<const int32_t> completion) {
  COHORT_CHECK(!completion.empty(), "an empty completion has no action");
  const int32_t before = last_row(parent);
  COHORT_CHECK(before >= 0, "a completion needs a token before it");
  const int32_t first = static_cast<int32_t>(rows.size());
  const int32_t segment = add(parent, completion.first(completion.size() - 1));
  for (size_t t = 0; t < completion.size(); ++t) {
    const int32_t node = t == 0 ? before : segments[segment].begin + static_cast<int32_t>(t) - 1;
    rows.push_back({node, completion[t]});
  }
  return first;
}

std::vector<int32_t> TokenTree::positions() const {
  std::vector<int32_t> result(tokens.size());
  for (const Segment& s : segments)
    for (int32_t i = s.begin; i < s.end; ++i) result[i] = s.position + (i - s.begin);
  return result;
}

void TokenTree::check(int64_t vocab_size) const {
  int32_t expected_begin = 0;
  int32_t root = -1;  // the current tree's root
  for (int32_t i = 0; i < static_cast<int32_t>(segments.size()); ++i) {
    const Segment& s = segments[i];
    COHORT_CHECK(s.begin == expected_begin && s.end >= s.begin, "segment {} covers [{}, {})", i, s.begin,
                 s.end);
    COHORT_CHECK(s.parent >= -1 && s.parent < i, "segment {} has parent {}", i, s.parent);
    if (s.parent < 0) root = i;
    COHORT_CHECK(s.parent < 0 || s.parent >= root, "segment {} hangs from an earlier tree", i);
    const int32_t position = s.parent < 0 ? 0 : segments[s.parent].position + segments[s.parent].length();
    COHORT_CHECK(s.position == position, "segment {} starts at {}, its path has {}", i, s.position, position);
    expected_begin = s.end;
  }
  COHORT_CHECK(expected_begin == size(), "segments cover {} of {} tokens", expected_begin, size());
  for (size_t i = 0; i < tokens.size(); ++i)
    COHORT_CHECK(tokens[i] >= 0 && tokens[i] < vocab_size, "token {} at row {}, vocabulary {}", tokens[i], i,
                 vocab_size);
  for (const HeadRow& r : rows) {
    COHORT_CHECK(r.node >= 0 && r.node < size(), "head row at node {} of {}", r.node, size());
    COHORT_CHECK(r.target >= 0 && r.target < vocab_size, "target {}, vocabulary {}", r.target, vocab_size);
  }
}

std::vector<std::pair<int32_t, int32_t>> whole_tree_batches(const TokenTree& tree, int64_t max_tokens) {
  std::vector<std::pair<int32_t, int32_t>> batches;
  const int32_t count = static_cast<int32_t>(tree.segments.size());
  int32_t first = 0;
  int64_t tokens = 0;
  for (int32_t i = 0; i < count;) {
    int32_t next = i + 1;  // [i, next) is one whole tree
    while (next < count && tree.segments[next].parent >= 0) ++next;
    const int64_t tree_tokens = tree.segments[next - 1].end - tree.segments[i].begin;
    if (i > first && tokens + tree_tokens > max_tokens) {
      batches.emplace_back(first, i);
      first = i;
      tokens = 0;
    }
    tokens += tree_tokens;
    i = next;
  }
  if (first < count) batches.emplace_back(first, count);
  return batches;
}

TokenTree extract_trees(const TokenTree& tree, int32_t first, int32_t last, std::vector<int32_t>* row_index) {
  TokenTree part;
  if (first == last) return part;
  const int32_t begin = tree.segments[first].begin, end = tree.segments[last - 1].end;
  for (int32_t i = first; i < last; ++i) {
    Segment s = tree.segments[i];
    COHORT_CHECK(s.parent < 0 || s.parent >= first, "segments [{}, {}) are not whole trees", first, last);
    if (s.parent >= 0) s.parent -= first;
    s.begin -= begin;
    s.end -= begin;
    part.segments.push_back(s);
  }
  part.tokens.assign(tree.tokens.begin() + begin, tree.tokens.begin() + end);
  if (row_index) row_index->clear();
  for (size_t i = 0; i < tree.rows.size(); ++i) {
    const HeadRow& r = tree.rows[i];
    if (r.node < begin || r.node >= end) continue;
    part.rows.push_back({r.node - begin, r.target});
    if (row_index) row_index->push_back(static_cast<int32_t>(i));
  }
  return part;
}

}  // namespace cohort
