#include "data/tasks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
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

// Catches: steps that are not the completion's lines, other questions or sums than addition's, a completion
// that breaks the template or leaves the alphabet.
TEST(Carries, IsAdditionWithAStepALine) {
  EXPECT_EQ(carries_completion(347, 85), "<think> 7+5=12\n4+8+1=13\n3+1=4\n</think> <answer> 432 </answer>");
  const TaskOptions options{.digits = 3, .rows = 300};
  const std::vector<Row> rows = make_rows("carries", options, 5), plain = make_rows("addition", options, 5);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].question, plain[i].question);
    EXPECT_EQ(rows[i].text("answer"), plain[i].text("answer"));
    EXPECT_EQ(rows[i].text("completion"), rows[i].completion);
    std::string completion = rows[i].completion, joined;
    EXPECT_EQ((rows[i].question + completion).find_first_not_of(carries_alphabet()), std::string::npos);
    for (const auto& step : (*rows[i].fields)["steps"])
      joined += (joined.empty() ? "" : "\n") + step.get<std::string>();
    EXPECT_EQ(joined, completion);
    for (char& c : completion)
      if (c == '\n') c = ' ';
    EXPECT_EQ(completion, plain[i].completion);
  }
  EXPECT_EQ((*rows[0].fields)["steps"].dump(),
            R"(["<think> 2+1=3","5+4=9","4+6=10","</think> <answer> 1093 </answer>"])");
}

// Catches: a carry lost or put to the wrong digit, a second operand of several digits, questions that repeat.
TEST(Products, AreWorkedWithTheirCarries) {
  EXPECT_EQ(products_completion(347, 6),
            "<think> 7*6=42\n4*6+4=28\n3*6+2=20\n</think> <answer> 2082 </answer>");
  EXPECT_EQ(products_completion(0, 7), "<think> 0*7=0\n</think> <answer> 0 </answer>");
  for (const TaskOptions options : {TaskOptions{.digits = 2}, TaskOptions{.digits = 3, .rows = 300}}) {
    const std::vector<Row> rows = make_rows("products", options, 5);
    EXPECT_EQ(rows.size(), options.rows > 0 ? 300u : 1000u);
    std::set<std::string> seen;
    for (const Row& row : rows) {
      int a = 0, b = 0;
      ASSERT_EQ(sscanf(row.question.c_str(), "%d*%d=", &a, &b), 2);
      EXPECT_TRUE(b >= 0 && b <= 9 && seen.insert(row.question).second) << row.question;
      EXPECT_EQ(row.text("answer"), std::to_string(a * b));
      EXPECT_EQ(row.completion, products_completion(a, b));
      EXPECT_EQ((*row.fields)["steps"].back(), fmt::format("</think> <answer> {} </answer>", a * b));
    }
  }
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
            "task: expected one of addition, carries, products, sums, word_problems, countdown, sorting, "
            "letters, programs, found \"adition\" (nearest: addition)");
  EXPECT_EQ(error_of("sums", {.digits = 5}), "digits: expected 1 to 4 for the task sums, found 5");
  EXPECT_EQ(error_of("addition", {.digits = 0}), "digits: expected 1 to 9 for the task addition, found 0");
  EXPECT_EQ(error_of("sums", {.digits = 1, .rows = 101}),
            "rows: expected 1 to 100 distinct questions of the task sums with 1 digits (0: all, at most "
            "10000), found 101");
  EXPECT_NE(error_of("addition", {.digits = 9, .rows = -1}), "none");
  EXPECT_EQ(make_rows("addition", {.digits = 9}, 0).size(), 10000u);
}

// Catches: problems that repeat, change between runs or with their number, and answers that are not those of the
// question.
TEST(GeneratedTasks, AreDistinctAndDeterministic) {
  for (const char* name : {"word_problems", "countdown", "sorting", "letters", "programs"}) {
    SCOPED_TRACE(name);
    const std::vector<Row> rows = make_rows(name, {.digits = 2, .rows = 200}, 5),
                           more = make_rows(name, {.digits = 2, .rows = 300}, 5);
    ASSERT_EQ(rows.size(), 200u);
    std::set<std::string> seen;
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(*rows[i].fields, *more[i].fields);
      EXPECT_TRUE(seen.insert(rows[i].question).second);
      EXPECT_EQ(rows[i].text("prompt"), rows[i].prompt);
    }
    EXPECT_NE(rows[0].question, make_rows(name, {.digits = 2, .rows = 1}, 6)[0].question);
    EXPECT_THROW(make_rows(name, {.digits = 31}, 5), Error);
  }
  EXPECT_THROW(make_rows("letters", {.digits = 1, .rows = 20000}, 1), Error);  // 26^3 there are
}

// Numbers in a text, in order.
std::vector<int64_t> numbers_in(const std::string& text) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < text.size(); ++i)
    if (std::isdigit(static_cast<unsigned char>(text[i]))) {
      size_t end = 0;
      numbers.push_back(std::stoll(text.substr(i), &end));
      i += end;
    }
  return numbers;
}

// Catches: an answer of another story's arithmetic.
TEST(GeneratedTasks, StoriesHaveTheirAnswers) {
  std::set<int> kinds;
  for (const Row& row : make_rows("word_problems", {.digits = 2, .rows = 400}, 3)) {
    const std::vector<int64_t> n = numbers_in(row.prompt);
    const auto has = [&](const char* word) { return row.prompt.find(word) != std::string::npos; };
    int64_t expected = 0;
    int kind = 0;
    if (has("buys") && has("more")) expected = n.at(0) + n.at(1), kind = 1;
    if (has("gives away")) expected = n.at(0) - n.at(1), kind = 2;
    if (has("boxes")) expected = n.at(0) * n.at(1), kind = 3;
    if (has("shared")) expected = n.at(0) / n.at(1), kind = 4;
    if (has("lost")) expected = n.at(0) + n.at(1) - n.at(2), kind = 5;
    if (has("ticket")) expected = n.at(0) * n.at(1) + n.at(2), kind = 6;
    kinds.insert(kind);
    EXPECT_EQ(row.text("answer"), std::to_string(expected)) << row.prompt;
    EXPECT_TRUE(row.completion.ends_with(fmt::format(" = {0}\nThe answer is \\boxed{{{0}}}.", expected)))
        << row.completion;
    EXPECT_EQ(row.text("completion"), row.completion);
  }
  EXPECT_EQ(kinds.size(), 6u);
  EXPECT_FALSE(kinds.contains(0));
}

}  // namespace
}  // namespace cohort
