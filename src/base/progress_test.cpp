#include "base/progress.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace cohort {
namespace {

// Catches units that run over (60 s, 60 min) and negative or absurd estimates.
TEST(Progress, Durations) {
  EXPECT_EQ(format_duration(-1), "0s");
  EXPECT_EQ(format_duration(59.4), "59s");
  EXPECT_EQ(format_duration(59.6), "1m 00s");
  EXPECT_EQ(format_duration(3599.6), "1h 00m");
  EXPECT_EQ(format_duration(7620), "2h 07m");
}

// Catches a time left that counts the steps done before a resume, and one shown before anything is known or
// after all is done.
TEST(Progress, TimeLeftComesFromWhatThisRunDid) {
  EXPECT_EQ(progress_text("train", 60, 50, 100, "steps", 10, "reward 0.5"),
            "train  60/100 steps  60%  40s left  reward 0.5");
  EXPECT_EQ(progress_text("train", 0, 0, 100, "", 3, ""), "train  0/100  0%");
  EXPECT_EQ(progress_text("train", 100, 0, 100, "", 3, ""), "train  100/100  100%");
  EXPECT_EQ(progress_text("read", 7, 0, 0, "rows", 3, ""), "read  7 rows");
}

// Catches a log of a run without a terminal that fills with progress lines, and messages that break into
// several lines.
TEST(Log, OneLineEachAndQuietWithoutTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("train", 1000000);
    for (int i = 0; i < 1000; ++i) progress.update(i);
    log_info("two\nlines");
    log_warning("odd {}", 1);
    log_debug("not shown");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "two lines\nwarning: odd 1\n");
}

}  // namespace
}  // namespace cohort
