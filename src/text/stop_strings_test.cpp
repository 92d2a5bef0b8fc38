#include "text/stop_strings.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace cohort {
namespace {

// Catches: a stop string that is missed because tokens cut it, or found at the wrong place.
TEST(StopStrings, AnyCut) {
  const std::string text = "ab</answ</answer>c";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    for (size_t second = cut; second <= text.size(); ++second) {
      StopMatcher matcher({"</answer>", "zzzzzzzzzzzzzzzz"});
      size_t fed = 0;
      bool found = false;
      for (const std::string& part :
           {text.substr(0, cut), text.substr(cut, second - cut), text.substr(second)}) {
        fed += part.size();
        found = matcher.feed(part);
        EXPECT_EQ(found, fed >= 17);
      }
      ASSERT_TRUE(found);
      EXPECT_EQ(matcher.match_begin(), 8u);
    }
  }
}

// Catches: the wrong one of two stop strings that one token completes; a match that is forgotten; a place
// that drifts.
TEST(StopStrings, FirstToBeginWins) {
  StopMatcher matcher({"cd", "bcde", "\n"});
  EXPECT_FALSE(matcher.feed("ab"));
  EXPECT_TRUE(matcher.feed("cde"));
  EXPECT_EQ(matcher.match_begin(), 1u);
  EXPECT_TRUE(matcher.feed("more"));
  EXPECT_EQ(matcher.match_begin(), 1u);

  StopMatcher late({"\n"});
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(late.feed("word "));
  EXPECT_TRUE(late.feed("x\n"));
  EXPECT_EQ(late.match_begin(), 5001u);

  StopMatcher none({});
  EXPECT_FALSE(none.feed("anything"));
  EXPECT_THROW(StopMatcher({"a", ""}), Error);
}

}  // namespace
}  // namespace cohort
