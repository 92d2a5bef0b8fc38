#include "reward/countdown.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reward/rules.h"

namespace cohort {
namespace {

// Catches: precedence, a division that rounds, a minus taken twice, what is no expression taken for one.
TEST(Countdown, ValuesAreExact) {
  const auto value = [](std::string_view text) {
    const auto v = countdown_value(text);
    return v ? fmt::format("{}/{}", v->numerator, v->denominator) : "none";
  };
  EXPECT_EQ(value("1 + 2 * 3"), "7/1");
  EXPECT_EQ(value("(1 + 2) * 3 = 9"), "9/1");
  EXPECT_EQ(value("10 / 4"), "5/2");
  EXPECT_EQ(value("8 / (3 - 8 / 3)"), "24/1");
  EXPECT_EQ(value("2 - 3 - 4"), "-5/1");
  EXPECT_EQ(value("-(2 - 3) \u00D7 4 \u00F7 2"), "2/1");
  EXPECT_EQ(value("6 / -4"), "-3/2");
  for (const char* text : {"", "1 +", "(1", "1)", "1 / 0", "1 / (2 - 2)", "1 2", "1.5", "a", "1 ** 2",
                           "99999999999", "999999999 * 999999999 * 999999999"})
    EXPECT_EQ(value(text), "none") << text;
  EXPECT_EQ(value(std::string(100000, '(')), "none");
  EXPECT_EQ(value(std::string(100000, '-') + "1"), "none");
}

// Catches: numbers used twice or left out, a target that is nearly reached, tags that are not asked for.
TEST(Countdown, NumbersAreUsedOnceEach) {
  EXPECT_TRUE(reaches("(25 - 5) * 3", {3, 5, 25}, 60));
  EXPECT_FALSE(reaches("25 + 35", {3, 5, 25}, 60));
  EXPECT_FALSE(reaches("25 - 5", {3, 5, 25}, 20));
  EXPECT_FALSE(reaches("25 * 3 - 5 * 3", {3, 5, 25}, 60));
  EXPECT_FALSE(reaches("(25 - 5) * 3", {3, 5, 25}, 61));
  RewardFunction f;
  kCountdownRule.make({}, 0, f);
  const nlohmann::json row{{"numbers", {2, 3}}, {"target", 6}};
  EXPECT_EQ(f.call({row, "", "so <answer> 3 * 2 </answer>"}).value, 1);
  EXPECT_EQ(f.call({row, "", "3 * 2"}).value, 0);
  EXPECT_FALSE(
      f.call({nlohmann::json{{"numbers", {2.5}}, {"target", 6}}, "", "<answer> 1 </answer>"}).computed);
}

}  // namespace
}  // namespace cohort
