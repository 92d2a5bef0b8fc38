#include "base/utf8.h"

#include <gtest/gtest.h>

namespace cohort {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

// Catches: overlong forms, surrogates or codes above U+10FFFF taken as valid, and a wrong number of
// replacements. The expected values are Python's bytes.decode("utf-8", errors="replace").
TEST(Utf8, InvalidSequences) {
  const std::pair<std::string, int> rows[] = {
      {"\x80", 1},         {"\xC0\xAF", 2},         {"\xC3", 1},
      {"\xE0\x80\x80", 3}, {"\xED\xA0\x80", 3},     {"\xF4\x90\x80\x80", 4},
      {"\xF0\x9F\x98", 1}, {"\xF0\x80\x80\x80", 4}, {"\xE2\x82", 1},
      {"\xFF\xFE", 2},     {"\xE2\x82\xE2\x82", 2}, {"\xF8\x88\x80\x80\x80", 5}};
  for (const auto& [bytes, count] : rows) {
    std::string expected = "x";
    for (int i = 0; i < count; ++i) expected += kReplacement;
    EXPECT_EQ(replace_invalid_utf8("x" + bytes + "y"), expected + "y");
    EXPECT_FALSE(is_valid_utf8("x" + bytes));
  }
  for (const std::string text : {"", "abc", "\u00e9\u0800\uffff\U00010000\U0010ffff", "\ud7ff\ue000"}) {
    EXPECT_TRUE(is_valid_utf8(text));
    EXPECT_EQ(replace_invalid_utf8(text), text);
  }
}

// Catches: half a character shown, or bytes lost, wherever the stream is cut.
TEST(Utf8, StreamEmitsWholeCharacters) {
  const std::string text = "a\u00e9\ud55c\U0001f600\xFFz\xE2\x82";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    for (size_t second = cut; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string shown;
      for (const std::string& part :
           {text.substr(0, cut), text.substr(cut, second - cut), text.substr(second)}) {
        const std::string piece = stream.feed(part);
        EXPECT_TRUE(is_valid_utf8(piece));
        shown += piece;
      }
      EXPECT_EQ(shown + stream.finish(), replace_invalid_utf8(text));
    }
  }
}

// Catches: marks composed in the wrong order, Hangul left apart, singletons kept.
TEST(Utf8, Nfc) {
  EXPECT_EQ(normalize("e\u0301", NormalForm::nfc), "\u00e9");
  EXPECT_EQ(normalize("a\u0307\u0323", NormalForm::nfc), "\u1ea1\u0307");
  EXPECT_EQ(normalize("\u1112\u1161\u11ab", NormalForm::nfc), "\ud55c");
  EXPECT_EQ(normalize("\u212b\u2126", NormalForm::nfc), "\u00c5\u03a9");
  EXPECT_EQ(normalize("\u0301\u0301x", NormalForm::nfc), "\u0301\u0301x");
  EXPECT_EQ(normalize("\ufb01 \U0001f600\uffff", NormalForm::nfc), "\ufb01 \U0001f600\uffff");
  // Catches: sorting a run of marks in quadratic time (10^11 steps here).
  std::string marks = "a", sorted;
  for (int i = 0; i < 250'000; ++i) marks += "\u0315\u0316";
  sorted = normalize(marks, NormalForm::nfc);
  EXPECT_EQ(sorted.substr(0, 5), "a\u0316\u0316");
  EXPECT_EQ(sorted.size(), marks.size());
}

}  // namespace
}  // namespace cohort
