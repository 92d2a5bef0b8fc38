// Stop strings over a stream of tokens' bytes: the completion ends with the token that completes one, and the
// text before it is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

class StopMatcher {
 public:
  explicit StopMatcher(std::vector<std::string> stops);  // throws Error where one is empty

  // Takes the next token's bytes. True once a stop string has occurred, and from then on.
  bool feed(std::string_view token_bytes);

  // Where the stop string begins, in bytes since the start of the stream; of several that the same token
  // completes, the first to begin. Only after feed() returned true.
  size_t match_begin() const { return match_begin_; }

 private:
  std::vector<std::string> stops_;
  size_t keep_ = 0;        // bytes that may be the beginning of a match: the longest stop string less one
  std::string tail_;       // the last of what was fed
  size_t tail_begin_ = 0;  // its place in the stream
  size_t match_begin_ = std::string::npos;
};

}  // namespace cohort
