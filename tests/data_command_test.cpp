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

// Catches: rows dropped that differ, or kept that repeat; a count that is not told; another row of several kept than the first.
TEST_F(DataCommand, DuplicatesAreDroppedAndCounted) {
  const auto stats = run_program({"data", "stats", "--data", file("rows.csv"), "--columns", "prompt=question", "--model", file("model"),
                                  "--deduplicate"});
  ASSERT_EQ(stats.status, 0) << stats.text;
  for (const char* line : {"prompt              2 ", "completion          2 ", "2 distinct prompts of 3\n", "1 rows are dropped, which repeat"})
    EXPECT_NE(stats.text.find(line), std::string::npos) << line << "\n" << stats.text;
  testing::write_text(folder_.path() / "rows.jsonl", "{\"prompt\": \"1+2=\", \"answer\": \"3\"}\n{\"prompt\": \"1+2=\", \"answer\": \"4\"}\n"
                                                     "{\"prompt\": \"2+2=\", \"answer\": \"4\"}\n");
  const auto train = run_program({"train", "--method", "grpo", "--model", file("model"), "--data", file("rows.jsonl"), "--deduplicate",
                                  "--reward_funcs", "last_number", "--output_dir", file("run"), "--max_steps", "1", "--train_batch_size", "8",
                                  "--num_generations", "4", "--max_completion_length", "4", "--shuffle_dataset", "false"});
  ASSERT_EQ(train.status, 0) << train.text;
  EXPECT_NE(train.text.find("1 of 3 rows dropped, which repeat a prompt"), std::string::npos) << train.text;
  EXPECT_NE(train.text.find("2 problems to train on"), std::string::npos) << train.text;
}

// Catches: rows lost or changed on the way to JSONL, an input that is overwritten, and a file half written where a row is broken.
TEST_F(DataCommand, ConvertWritesJsonLines) {
  ASSERT_EQ(run_program({"data", "convert", "--data", file("rows.csv"), "--columns", "prompt=question", "--output", file("out.jsonl")}).status, 0);
  EXPECT_EQ(read_file(file("out.jsonl")),
            "{\"completion\":\"3\",\"prompt\":\"1+2=\"}\n{\"completion\":\"0123\",\"prompt\":\"2+2=\"}\n"
            "{\"completion\":null,\"prompt\":\"1+2=\"}\n");
  testing::write_text(folder_.path() / "rows.json", "[{\"x\": 1.50,\n \"b\": [ 2 ]}, {\"a\": 1}, {\"a\": 1}]");
  const auto json = run_program({"data", "convert", "--data", file("rows.json"), "--deduplicate"});
  EXPECT_NE(json.text.find("{\"x\":1.50,\"b\":[2]}\n{\"a\": 1}\n"), std::string::npos) << json.text;
  EXPECT_NE(json.text.find("2 rows written, 1 dropped"), std::string::npos) << json.text;
  // Parts of a data set, one behind another, in forms of their own.
  const auto parts = run_program({"data", "convert", "--data", file("rows.json"), "--data", file("out.jsonl"), "--data", file("rows.json"),
                                  "--deduplicate", "--output", file("all.jsonl")});
  EXPECT_NE(parts.text.find("5 rows written, 4 dropped"), std::string::npos) << parts.text;
  EXPECT_EQ(read_file(file("all.jsonl")), "{\"x\":1.50,\"b\":[2]}\n{\"a\": 1}\n" + read_file(file("out.jsonl")));
  EXPECT_EQ(run_program({"data", "convert", "--data", file("rows.csv"), "--data", file("no.csv"), "--output", file("no.jsonl")}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(file("no.jsonl")));
  EXPECT_EQ(run_program({"data", "convert", "--data", file("rows.csv"), "--output", file("out.jsonl")}).status, 1);
  EXPECT_EQ(run_program({"data", "convert", "--data", file("rows.csv"), "--output", file("rows.csv"), "--overwrite"}).status, 1);
  testing::write_text(folder_.path() / "bad.jsonl", "{\"a\": 1}\n{\n");
  const auto bad = run_program({"data", "convert", "--data", file("bad.jsonl"), "--output", file("bad.out")});
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.text.find("bad.jsonl:2: not JSON: "), std::string::npos) << bad.text;
  EXPECT_FALSE(std::filesystem::exists(file("bad.out")) || std::filesystem::exists(file("bad.out.tmp")));
}

}  // namespace
}  // namespace cohort
