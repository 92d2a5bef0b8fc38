#include "run/answer_stream.h"

#include <algorithm>

namespace cohort {
namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";

// Bytes at the end of `text` that are the beginning of `tag`, but not all of it.
size_t beginning_of(std::string_view tag, std::string_view text) {
  for (size_t n = std::min(tag.size() - 1, text.size()); n > 0; --n)
    if (text.ends_with(tag.substr(0, n))) return n;
  return 0;
}

}  // namespace

AnswerStream::AnswerStream(Show show, std::vector<std::string> stops, bool thinking)
    : show_(std::move(show)), stops_(std::move(stops)), thinking_(thinking) {
  for (const std::string& stop : stops_) hold_ = std::max(hold_, stop.size());
}

void AnswerStream::feed(std::string_view bytes) {
  held_ += bytes;
  // Without a stop string so far, only the last bytes can begin one; with one, finish() follows.
  const bool stop = std::any_of(stops_.begin(), stops_.end(),
                                [&](const std::string& s) { return held_.find(s) != std::string::npos; });
  if (stop || held_.size() < hold_) return;
  const size_t sure = hold_ == 0 ? held_.size() : held_.size() - (hold_ - 1);
  show_text(characters_.feed(std::string_view(held_).substr(0, sure)));
  held_.erase(0, sure);
}

void AnswerStream::finish(bool stopped) {
  if (stopped) {
    size_t end = held_.size();
    for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
    held_.resize(end);
  }
  std::string rest = characters_.feed(held_);
  rest += characters_.finish();
  held_.clear();
  text_ += rest;
  split(true);
}

void AnswerStream::show_text(std::string text) {
  text_ += text;
  split(false);
}

// Shows text_ up to what may begin a tag; of `whole` text all of it.
void AnswerStream::split(bool whole) {
  for (;;) {
    const std::string_view tag = thinking_ ? kClose : kOpen;
    const size_t at = text_.find(tag);
    if (at == std::string::npos) {
      const size_t sure = text_.size() - (whole ? 0 : beginning_of(tag, text_));
      if (sure > 0) show_(std::string_view(text_).substr(0, sure), thinking_);
      text_.erase(0, sure);
      return;
    }
    if (at > 0) show_(std::string_view(text_).substr(0, at), thinking_);
    text_.erase(0, at + tag.size());
    thinking_ = !thinking_;
  }
}

bool ends_thinking(std::string_view prompt) {
  const size_t open = prompt.rfind(kOpen);
  return open != std::string_view::npos &&
         prompt.find_first_not_of(" \t\r\n", open + kOpen.size()) == std::string_view::npos;
}

}  // namespace cohort
