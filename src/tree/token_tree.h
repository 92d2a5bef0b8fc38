// TokenTree: the one batch format. Segments of tokens, each hanging from the end of its parent; a token
// attends to its own segment up to itself and to all its ancestors. A prompt is a root and its completions
// are its children, so the prompt is computed once for its group. The result equals running every
// root-to-leaf path alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cohort {

struct Segment {
  int32_t parent;  // index of the parent segment, which precedes this one; -1 for a root
  int32_t begin;   // rows [begin, end) of the flat token array
  int32_t end;
  int32_t position;  // position of the first token: the length of the path above it
  int32_t length() const { return end - begin; }
};

// The log-probability wanted: that of token `target` after the path that ends in row `node`.
struct HeadRow {
  int32_t node;
  int32_t target;
};

// Several trees (roots) may stand in one TokenTree; a root and all its descendants stand together ("whole
// trees").
struct TokenTree {
  std::vector<Segment> segments;
  std::vector<int32_t> tokens;  // (N) all segments' tokens, in segment order
  std::vector<HeadRow> rows;    // (R) in any order; outputs come in this order

  int64_t size() const { return static_cast<int64_t>(tokens.size()); }

  // Appends a segment under `parent` (-1: a new root) and returns its index. An empty segment is allowed.
  int32_t add(int32_t parent, std::span<const int32_t> segment_tokens);
  // The row of the last token on the path that ends with this segment (-1 when the path is empty).
  int32_t last_row(int32_t segment) const;
  // Appends a completion under `parent`: a segment of all tokens but the last (nothing follows it, so it is
  // never an input), and one head row for every token, the last included. Returns the index of its first head
  // row.
  int32_t add_completion(int32_t parent, std::span<const int32_t> completion);

  std::vector<int32_t> positions() const;  // (N)
  // Throws Error unless segments are contiguous, parents precede children, whole trees stand together,
  // tokens and targets are in [0, vocab_size), and rows name existing nodes.
  void check(int64_t vocab_size) const;
};

// Cuts a forest into micro-batches of whole trees, each of at most `max_tokens` tokens where its trees allow,
// in order. Returns ranges of segments [first, last).
std::vector<std::pair<int32_t, int32_t>> whole_tree_batches(const TokenTree& tree, int64_t max_tokens);

// The trees of segments [first, last) as a TokenTree of their own. row_index receives, for each of its head
// rows, the index of that row in `tree`.
TokenTree extract_trees(const TokenTree& tree, int32_t first, int32_t last, std::vector<int32_t>* row_index);

}  // namespace cohort
