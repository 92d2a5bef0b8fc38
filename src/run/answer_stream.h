// An answer as it is to be shown while it is drawn: bytes of tokens in, whole characters out, thinking told
// apart from the answer, and nothing of a stop string.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace cohort {

class AnswerStream {
 public:
  // `show` gets the text in order, in pieces that are not empty. `thinking`: the prompt ended inside <think>.
  using Show = std::function<void(std::string_view text, bool thinking)>;
  AnswerStream(Show show, std::vector<std::string> stops, bool thinking);

  // A token's bytes. What may be the beginning of <think>, </think> or a stop string waits until it is clear.
  void feed(std::string_view bytes);
  // Shows what waits. `stopped`: the answer ended with a stop string, which goes with all behind it.
  void finish(bool stopped);

 private:
  void show_text(std::string text);
  void split(bool whole);

  Show show_;
  std::vector<std::string> stops_;
  Utf8Stream characters_;
  std::string held_;  // bytes that may begin a stop string
  size_t hold_ = 0;   // how many of them may
  std::string text_;  // characters that may begin a tag
  bool thinking_;
};

// Whether a rendered prompt ends with an open <think>, so that the answer begins with thinking.
bool ends_thinking(std::string_view prompt);

}  // namespace cohort
