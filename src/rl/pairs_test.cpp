#include "rl/pairs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"

namespace cohort {
namespace {

Group group_of(const std::vector<double>& rewards) {
  Group group;
  for (double reward : rewards) {
    Sample& sample = group.samples.emplace_back();
    sample.sample_index = static_cast<uint32_t>(group.samples.size() - 1);
    sample.reward = reward;
    sample.advantages = {7, 7};
  }
  return group;
}

// Catches: sides exchanged, the last instead of the first among equals, an uncomputed reward taken for the
// best or the worst, a pair of equals.
TEST(Pairs, BestAndWorstByReward) {
  struct Case {
    std::vector<double> rewards;
    uint32_t best, worst;
  };
  for (const Case& c : {Case{{0, 1}, 1, 0}, Case{{0.5, 1, 0, 1, 0}, 1, 2},
                        Case{{NAN, 2, NAN, 3, 2, NAN}, 3, 1}, Case{{-1, -INFINITY, -1}, 0, 1}}) {
    const std::optional<Group> pair = preference_pair(group_of(c.rewards));
    ASSERT_TRUE(pair);
    ASSERT_EQ(pair->samples.size(), 2u);
    EXPECT_EQ(pair->samples[0].sample_index, c.best);
    EXPECT_EQ(pair->samples[1].sample_index, c.worst);
    EXPECT_EQ(pair->samples[0].advantages, std::vector<float>{1});
    EXPECT_EQ(pair->samples[1].advantages, std::vector<float>{-1});
  }
  for (const std::vector<double>& rewards :
       {std::vector<double>{}, {1}, {1, 1, 1}, {NAN, NAN}, {NAN, 1}, {2, NAN, 2}, {0.0, -0.0}})
    EXPECT_FALSE(preference_pair(group_of(rewards)));
}

// Catches: sides exchanged, or a group that is no pair taken for one.
TEST(Pairs, CreditSaysWhichIsPreferred) {
  std::vector<Group> groups = {group_of({0, 1}), group_of({1, 0})};  // rewards do not matter: the order does
  pair_credit(groups, {});
  for (const Group& group : groups) {
    EXPECT_EQ(group.samples[0].advantages, std::vector<float>{1});
    EXPECT_EQ(group.samples[1].advantages, std::vector<float>{-1});
  }
  groups[1].samples.pop_back();
  EXPECT_THROW(pair_credit(groups, {}), Error);
}

}  // namespace
}  // namespace cohort
