// Pairs of an expected answer and one given, with what the judge should say of them.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "math/judge.h"

namespace cohort::math {

struct AnswerPair {
  const char *gold, *given;
};

// Whole completions.
inline void expect_prose(std::initializer_list<AnswerPair> pairs, bool right) {
  for (const AnswerPair& p : pairs) {
    const MathVerdict v = judge_math(p.gold, p.given);
    EXPECT_EQ(v.outcome == MathVerdict::right, right)
        << p.gold << "  and  " << p.given << ": " << v.reason << ", " << v.extracted;
  }
}

// Answers in a box at the end of a sentence.
inline void expect_boxed(std::initializer_list<AnswerPair> pairs, bool right) {
  for (const AnswerPair& p : pairs) {
    const MathVerdict v = judge_math(p.gold, std::string("So we get \\boxed{") + p.given + "}.");
    EXPECT_EQ(v.outcome == MathVerdict::right, right)
        << p.gold << "  and  " << p.given << ": " << v.reason << ", " << v.extracted;
  }
}

}  // namespace cohort::math
