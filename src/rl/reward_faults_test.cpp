#include "rl/reward_faults.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cohort {
namespace {

// Catches: samples that are not named in the log, a count that forgets those that are not.
TEST(RewardFaults, EverySampleIsNamedOrCounted) {
  RewardFaults a, b;
  a.add("prompt 1 sample 0", "no gold");
  a.add("prompt 1 sample 1", "the command ended with status 3");
  b.add("prompt 2 sample 0", "no gold");
  a += b;
  EXPECT_EQ(a.count(), 3);
  EXPECT_EQ(a.lines(), (std::vector<std::string>{"prompt 1 sample 0, prompt 2 sample 0: no gold",
                                                 "prompt 1 sample 1: the command ended with status 3"}));
  RewardFaults many;
  for (int i = 0; i < 150; ++i) many.add("s", "all alike");
  for (int i = 0; i < 30; ++i) many.add("s", "reason " + std::to_string(i));
  b += many;  // 20 reasons with "no gold"
  EXPECT_EQ(b.count(), 181);
  ASSERT_EQ(b.lines().size(), 21u);
  EXPECT_TRUE(b.lines()[1].ends_with("s, s and 50 more: all alike")) << b.lines()[1];
  EXPECT_EQ(b.lines()[20], "and 12 more, for other reasons");
}

TEST(RewardFaults, ARowsIdNamesTheSample) {
  EXPECT_EQ(sample_name(3, 1, {{"prompt", "x"}}), "prompt 3 sample 1");
  EXPECT_EQ(sample_name(3, 1, {{"id", "algebra/17"}}), "prompt 3 (id algebra/17) sample 1");
  EXPECT_EQ(sample_name(3, 1, {{"id", 17}}), "prompt 3 (id 17) sample 1");
  EXPECT_EQ(sample_name(3, 1, {{"id", nullptr}}), "prompt 3 sample 1");
}

}  // namespace
}  // namespace cohort
