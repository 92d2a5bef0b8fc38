#include "run/answer_stream.h"

#include <gtest/gtest.h>

namespace cohort {
namespace {

// What is shown when the text comes in pieces of `size` bytes; thinking in brackets.
std::string shown(std::string_view text, size_t size, std::vector<std::string> stops = {},
                  bool stopped = false, bool thinking = false) {
  std::string out;
  bool last = false;
  AnswerStream stream(
      [&](std::string_view part, bool inside) {
        EXPECT_FALSE(part.empty());
        EXPECT_TRUE(is_valid_utf8(part)) << "half a character";
        if (inside != last) out += inside ? "[" : "]";
        last = inside;
        out += part;
      },
      std::move(stops), thinking);
  for (size_t at = 0; at < text.size(); at += size) stream.feed(text.substr(at, size));
  stream.finish(stopped);
  return out + (last ? "]" : "");
}

// Faults: a tag or a character that is cut between two tokens shown in part; a tag inside thinking taken for
// another; text lost or doubled at a border.
TEST(AnswerStream, WhateverTheCuts) {
  const std::string text = "a<think>h\xC3\xA9 < \xF0\x9F\x98\x80 <think></thin</think>\n42 </think> <b>";
  for (size_t size = 1; size <= text.size(); ++size) {
    EXPECT_EQ(shown(text, size), "a[h\xC3\xA9 < \xF0\x9F\x98\x80 <think></thin]\n42 </think> <b>") << size;
    EXPECT_EQ(shown("so</think>yes", size, {}, false, true), "[so]yes") << size;
    EXPECT_EQ(shown("end <thi", size), "end <thi") << size;
    EXPECT_EQ(shown("bad \xF0\x9F", size), "bad \xEF\xBF\xBD") << size;
    EXPECT_EQ(shown("one\nQ:two", size, {"\nQ:", "never"}, true), "one") << size;
    EXPECT_EQ(shown("one\nQ", size, {"\nQ:"}), "one\nQ") << size;
    EXPECT_EQ(shown("abcSTOP rest", size, {"STOP", "c"}, true), "ab") << size;
  }
}

// Faults: a prompt that opens thinking not seen, or one whose thinking is closed taken for open.
TEST(AnswerStream, PromptThatOpensThinking) {
  EXPECT_TRUE(ends_thinking("<|assistant|><think>\n"));
  EXPECT_TRUE(ends_thinking("<think>"));
  EXPECT_FALSE(ends_thinking("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(ends_thinking("<|assistant|>"));
  EXPECT_FALSE(ends_thinking("say <think> please"));
}

}  // namespace
}  // namespace cohort
