// cohort reward score through the program itself.
#include "run_support.h"

namespace cohort {
namespace {

using testing::run_program;

class RewardScore : public ::testing::Test {
 protected:
  std::string rows() const {
    testing::write_text(
        (folder_.path() / "rows.jsonl"),
        "{\"prompt\":\"1/2?\",\"completion\":\"\\\\boxed{0.5}\",\"answer\":\"1/2\"}\n"
        "{\"prompt\":\"1/2?\",\"completion\":\"\\\\boxed{0.6}\",\"answer\":\"1/2\"}\n\n"
        "{\"prompt\":\"1/2?\",\"completion\":\"\\\\boxed{9^{9^{9^9}}}\",\"answer\":\"1/2\"}\n");
    return (folder_.path() / "rows.jsonl").string();
  }
  testing::TempFolder folder_;
};

// Catches: a verdict without its row or reason, a silent 0, a summary that counts otherwise.
TEST_F(RewardScore, SaysVerdictAndReasonOfEachRow) {
  const std::string output = (folder_.path() / "scores.jsonl").string();
  const auto r = run_program({"reward", "score", "--reward", "math", "--data", rows(), "--output", output});
  ASSERT_EQ(r.status, 0) << r.text;
  EXPECT_NE(r.text.find("3 rows: 1 right, 1 not, 1 could not be judged"), std::string::npos) << r.text;
  const auto scores = testing::json_lines(output);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0]["math"], 1.0);
  EXPECT_EQ(scores[1]["reward"], 0.0);
  EXPECT_EQ(scores[2]["line"], 4);
  EXPECT_TRUE(scores[2]["math"].is_null());
  for (const auto& score : scores) EXPECT_EQ(score["reasons"].size(), 1u) << score;
}

// Catches: other rewards refused or not mixed, and faults without a name.
TEST_F(RewardScore, TakesAnyRewardAndRefusesFaults) {
  const auto both =
      run_program({"reward", "score", "--reward", "math", "--reward", "think_format", "--data", rows()});
  EXPECT_EQ(both.status, 0) << both.text;
  EXPECT_NE(both.text.find("\"think_format\":0.0"), std::string::npos) << both.text;
  const auto unknown = run_program({"reward", "score", "--reward", "maths", "--data", rows()});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.text.find("nearest: math"), std::string::npos) << unknown.text;
  const auto missing = run_program({"reward", "score", "--reward", "math"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.text.find("--data is missing"), std::string::npos) << missing.text;
}

// Catches: a generated program whose solution and tests disagree, in one of its five kinds.
TEST_F(RewardScore, SolutionsOfGeneratedProgramsPassTheirTests) {
  const std::string file = (folder_.path() / "programs.jsonl").string();
  const auto made = run_program({"data", "make", "--data", "programs", "--task_problems", "25", "--output", file});
  ASSERT_EQ(made.status, 0) << made.text;
  std::string prompts;
  for (const auto& row : testing::json_lines(file)) prompts += row["prompt"];
  for (const char* kind : {"the sum", "the largest", "the smallest", "number of even", "product of"})
    EXPECT_NE(prompts.find(kind), std::string::npos) << kind;
  const auto r = run_program({"reward", "score", "--reward", "code", "--data", file});
  if (r.text.find("25 could not be judged") != std::string::npos) GTEST_SKIP() << r.text.substr(0, 300);
  EXPECT_NE(r.text.find("25 rows: 25 right, 0 not, 0 could not be judged"), std::string::npos) << r.text;
}

}  // namespace
}  // namespace cohort
