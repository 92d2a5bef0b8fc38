// The reward math: which field says the answer, and what is no 0.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "reward/rules.h"

namespace cohort {
namespace {

using nlohmann::json;

RewardFunction math_function(const RewardSettings& settings = {}) {
  RewardFunction function;
  kMathRule.make(settings, 0, function);
  return function;
}

double value(const json& row, const std::string& completion, const RewardSettings& settings = {}) {
  const RewardResult r = math_function(settings).call({row, "", completion});
  EXPECT_FALSE(r.reason.empty());
  return r.computed ? r.value : NAN;
}

// Catches: a field of TRL's or verl's rows not read, or read before one that counts more.
TEST(MathReward, ReadsTheExpectedAnswer) {
  EXPECT_EQ(value({{"answer", "1/2"}}, "\\boxed{0.5}"), 1);
  EXPECT_EQ(value({{"answer", 0.5}}, "\\boxed{\\frac12}"), 1);
  EXPECT_EQ(value({{"answer", "3"}, {"solution", "\\boxed{4}"}}, "\\boxed{4}"), 0);
  EXPECT_EQ(value({{"solution", "Adding, $2+2=\\boxed{4}$."}}, "It is \\boxed{4}"), 1);
  EXPECT_EQ(value({{"ground_truth", "4"}}, "\\boxed{4}"), 1);
  EXPECT_EQ(value({{"reward_model", {{"ground_truth", "4"}, {"style", "rule"}}}}, "\\boxed{4}"), 1);
  EXPECT_EQ(value({{"answer", {"4", "four"}}}, "\\boxed{\\text{four}}"), 1);
}

// Catches: a 0 for what could not be judged.
TEST(MathReward, WhatCannotBeJudgedIsNoZero) {
  EXPECT_TRUE(std::isnan(value(json::object(), "\\boxed{4}")));
  EXPECT_TRUE(std::isnan(value({{"answer", true}}, "\\boxed{4}")));
  EXPECT_TRUE(std::isnan(value({{"answer", ""}}, "\\boxed{4}")));
  EXPECT_TRUE(std::isnan(value({{"answer", "4"}}, "\\boxed{9^{9^{9^9}}}")));
  EXPECT_EQ(value({{"answer", "4"}}, "I do not know"), 0);
}

// Catches: settings that are not read, votes for equal answers counted apart.
TEST(MathReward, SettingsAndVotes) {
  RewardSettings s;
  s.math_extraction = {"last_number"};
  EXPECT_EQ(value({{"answer", "7"}}, "\\boxed{4}, page 7", s), 1);
  s = {};
  s.math_precision = 2;
  EXPECT_EQ(value({{"answer", "1/3"}}, "\\boxed{0.33}", s), 1);
  s.math_extraction.clear();
  EXPECT_THROW(math_function(s), Error);
  EXPECT_EQ(math_function().extract("\\boxed{\\frac{2}{4}}"), math_function().extract("The answer is 0.5"));
}

}  // namespace
}  // namespace cohort
