// cohort data head and stats through the program itself.
#include "run_support.h"

namespace cohort {
namespace {

using testing::run_program;

class DataCommand : public ::testing::Test {
 protected:
  DataCommand() {
    testing::make_tiny_model(folder_.path() / "model");
    testing::write_text(folder_.path() / "rows.csv", "question,completion\n1+2=,3\n2+2=,\"0123\"\n1+2=,\n");
  }
  std::string file(const char* name) const { return (folder_.path() / name).string(); }
  testing::TempFolder folder_;
};

// Catches: another row or text shown than the model would see, more rows than asked for, and tokens counted otherwise.
TEST_F(DataCommand, HeadShowsRowsAndWhatTheModelSees) {
  const auto r = run_program({"data", "head", "--data", file("rows.csv"), "--columns", "prompt=question", "--rows", "2", "--model",
                              file("model"), "--prompt_prefix", "1 "});
  ASSERT_EQ(r.status, 0) << r.text;
  EXPECT_NE(r.text.find("3 rows\n"), std::string::npos) << r.text;
  EXPECT_NE(r.text.find("row 2\n  completion: \"0123\"\n  prompt: \"2+2=\"\n  the model sees 6 tokens: \"1 2+2=\"\n"),
            std::string::npos)
      << r.text;
  EXPECT_EQ(r.text.find("row 3"), std::string::npos) << r.text;
}

// Catches: wrong counts of tokens, of rows without a completion, of what is too long and of prompts that stand there twice.
TEST_F(DataCommand, StatsCountTokensAndWhatIsTooLong) {
  const auto r = run_program({"data", "stats", "--data", file("rows.csv"), "--columns", "prompt=question", "--model", file("model"),
                              "--max_prompt_length", "3", "--max_completion_length", "3"});
  ASSERT_EQ(r.status, 0) << r.text;
  for (const char* line : {"prompt              3      4.0        4        4        4        4\n",
                           "completion          2      2.5        1        1        1        4\n",
                           "2 distinct prompts of 3\n", "3 prompts are longer than 3 tokens",
                           "1 completions are longer than 3 tokens", "0 prompts leave no room for 3 tokens"})
    EXPECT_NE(r.text.find(line), std::string::npos) << line << "\n" << r.text;
  const auto missing = run_program({"data", "stats", "--data", file("rows.csv"), "--model", file("model")});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.text.find("rows.csv:1: no field \"prompt\" or \"prompt_ids\", found "), std::string::npos)
      << missing.text;
}

}  // namespace
}  // namespace cohort
