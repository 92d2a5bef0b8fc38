#include "rl/dynamic_sampling.h"

#include <gtest/gtest.h>

#include <limits>

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Group group_of(std::initializer_list<double> rewards) {
  Group group;
  for (double reward : rewards) group.samples.emplace_back().reward = reward;
  return group;
}

// Catches: a group without a gradient that is kept, or one with a gradient that is dropped; uncomputed
// rewards taken for numbers.
TEST(DynamicSampling, AGroupIsKeptWhereTwoComputedRewardsDiffer) {
  EXPECT_TRUE(rewards_differ(group_of({0, 1, 0})));
  EXPECT_TRUE(rewards_differ(group_of({1, kNan, 0})));
  EXPECT_FALSE(rewards_differ(group_of({1, 1, 1})));
  EXPECT_FALSE(rewards_differ(group_of({0.1, 0.1, 0.1})));  // its mean is not 0.1 to the last bit
  EXPECT_FALSE(rewards_differ(group_of({1, kNan})));
  EXPECT_FALSE(rewards_differ(group_of({kNan, kNan})));
}

// Catches: counts of kept groups only, which hide how the policy really does.
TEST(DynamicSampling, CountsAreOfEverythingDrawn) {
  FilterCounts counts;
  const Group first[] = {group_of({0, 1}), group_of({0, 0})};
  const Group second[] = {group_of({1, kNan})};
  counts.add(first);
  counts.add(second);
  EXPECT_EQ(counts.draws, 2);
  EXPECT_EQ(counts.groups, 3);
  EXPECT_EQ(counts.kept, 1);
  EXPECT_EQ(counts.rewards, 5);
  EXPECT_DOUBLE_EQ(counts.reward, 2);
}

}  // namespace
}  // namespace cohort
