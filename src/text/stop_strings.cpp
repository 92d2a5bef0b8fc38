#include "text/stop_strings.h"

#include <algorithm>

#include "base/check.h"

namespace cohort {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) {
    if (stop.empty()) fail("a stop string is empty");
    keep_ = std::max(keep_, stop.size() - 1);
  }
}

bool StopMatcher::feed(std::string_view token_bytes) {
  if (match_begin_ != std::string::npos) return true;
  if (stops_.empty()) return false;
  tail_ += token_bytes;
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, tail_.find(stop));
  if (first != std::string::npos) {
    match_begin_ = tail_begin_ + first;
    return true;
  }
  if (tail_.size() > keep_) {
    tail_begin_ += tail_.size() - keep_;
    tail_.erase(0, tail_.size() - keep_);
  }
  return false;
}

}  // namespace cohort
