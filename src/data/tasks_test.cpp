#include "data/tasks.h"

#include <gtest/gtest.h>

#include <set>

#include "base/check.h"

namespace cohort {
namespace {

// Catches: a carry lost, a missing digit written as 0, the order of digits.
TEST(Addition, CompletionIsWorkedFromTheRight) {
  EXPECT_EQ(addition_completion(347, 85), "<think> 7+5=12 4+8+1=13 3+1=4 </think> <answer> 432 </answer>");
  EXPECT_EQ(addition_completion(0, 0), "<think> 0+0=0 </think> <answer> 0 </answer>");
  EXPECT_EQ(addition_completion(5, 995), "<think> 5+5=10 9+1=10 9+1=10 </think> <answer> 1000 </answer>");
}

// Catches: rows that change between runs, repeat, hold a wrong answer, leave the alphabet or break the
// template that is rewarded.
TEST(Addition, RowsAreDistinctRightAndDeterministic) {
  const TaskOptions options{.digits = 3, .rows = 500};
  const std::vector<Row> rows = make_rows("addition", options, 5), again = make_rows("addition", options, 5);
  ASSERT_EQ(rows.size(), 500u);
  std::set<std::string> seen;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    EXPECT_EQ(row.question, again[i].question);
    EXPECT_TRUE(seen.insert(row.question).second);
    const size_t plus = row.question.find('+');
    const int sum = std::stoi(row.question.substr(0, plus)) + std::stoi(row.question.substr(plus + 1));
    EXPECT_EQ(row.text("answer"), std::to_string(sum));
    EXPECT_EQ(row.text("completion"), row.completion);
    EXPECT_TRUE(row.completion.starts_with("<think> ")) << row.completion;
    EXPECT_TRUE(row.completion.ends_with(fmt::format(" </think> <answer> {} </answer>", sum)))
        << row.completion;
    EXPECT_EQ((row.question + row.completion).find_first_not_of(addition_alphabet()), std::string::npos)
        << row.completion;
  }
  EXPECT_NE(rows[0].question, make_rows("addition", options, 6)[0].question);
  EXPECT_EQ(rows[0].question, "452+641=");  // fixed for ever
}

// Catches: questions lost or doubled where all of them are wanted.
TEST(Sums, AllQuestions) {
  const std::vector<Row> one = make_rows("sums", {.digits = 1}, 0);
  std::set<std::string> seen;
  for (const Row& row : one) seen.insert(row.question);
  EXPECT_EQ(one.size(), 100u);
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_TRUE(seen.contains("State the final answer to the following arithmetic problem: 6 + 2 ="));
  EXPECT_TRUE(one[0].completion.empty());
  for (const Row& row : make_rows("sums", {.digits = 2, .rows = 300}, 0)) {
    const size_t colon = row.question.find(": ");
    int a = 0, b = 0;
    ASSERT_EQ(sscanf(row.question.c_str() + colon, ": %d + %d =", &a, &b), 2);
    EXPECT_TRUE(a >= 10 && a <= 99 && b >= 10 && b <= 99);
    EXPECT_EQ(row.text("answer"), std::to_string(a + b));
  }
}

std::string error_of(std::string_view task, const TaskOptions& options) {
  try {
    make_rows(task, options, 0);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: more distinct questions promised than exist (an endless search), and names or sizes taken
// silently.
TEST(Tasks, RefuseWhatCannotBe) {
  EXPECT_EQ(error_of("adition", {}),
            "task: expected one of addition, sums, found \"adition\" (nearest: addition)");
  EXPECT_EQ(error_of("sums", {.digits = 5}), "digits: expected 1 to 4 for the task sums, found 5");
  EXPECT_EQ(error_of("addition", {.digits = 0}), "digits: expected 1 to 9 for the task addition, found 0");
  EXPECT_EQ(error_of("sums", {.digits = 1, .rows = 101}),
            "rows: expected 1 to 100 distinct questions of the task sums with 1 digits (0: all, at most "
            "10000), found 101");
  EXPECT_NE(error_of("addition", {.digits = 9, .rows = -1}), "none");
  EXPECT_EQ(make_rows("addition", {.digits = 9}, 0).size(), 10000u);
}

}  // namespace
}  // namespace cohort
