#include "data/pairs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_rows(text, "pairs.jsonl", pair_rules());
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: sides exchanged, a prompt, line or field that one of the two lost, a completion of the row's own
// that stays.
TEST(PairsFile, YieldsTwoCompletionsPerRow) {
  const std::string path = fmt::format("{}/cohort_pairs_{}.jsonl", testing::TempDir(), ::getpid());
  std::ofstream(path)
      << "{\"prompt\": \"2 + 2 =\", \"chosen\": \" 4\", \"rejected\": \" 5\", \"level\": 1}\n\n"
         "{\"prompt_ids\": [3, 4], \"completion_ids\": [9], \"completion\": \"x\", \"chosen\": "
         "\"\\u00e9\", \"rejected\": \"\"}\n";
  std::vector<Row> rows = read_rows(path, pair_rules());
  ASSERT_EQ(rows.size(), 2u);
  set_prompts({rows.data(), 1}, "Q: ", "");
  const Pair first = pair_of(rows[0]), second = pair_of(rows[1]);
  EXPECT_EQ(first.chosen.prompt, "Q: 2 + 2 =");
  EXPECT_EQ(first.rejected.prompt, "Q: 2 + 2 =");
  EXPECT_EQ(first.chosen.completion, " 4");
  EXPECT_EQ(first.rejected.completion, " 5");
  EXPECT_EQ(first.rejected.text("level"), "1");
  EXPECT_EQ(second.chosen.line, 3);
  EXPECT_EQ(second.chosen.prompt_ids, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(second.chosen.completion, "\xC3\xA9");
  EXPECT_EQ(second.rejected.completion, "");
  EXPECT_TRUE(second.chosen.completion_ids.empty());
}

// Catches: an error without file, line, expectation or finding; TRL's conversational form read as something.
TEST(PairsFile, ErrorsNameTheLine) {
  const std::string good = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n";
  EXPECT_EQ(error_of(good), "none");
  EXPECT_EQ(error_of(""), "pairs.jsonl: no rows, expected one JSON object a line");
  EXPECT_EQ(error_of(good + "\n{\"prompt\": \"a\", \"chosen\": \"b\"}"),
            "pairs.jsonl:3: no field \"rejected\", found chosen, prompt");
  EXPECT_EQ(error_of("{\"chosen\": \"ab\", \"rejected\": \"ac\"}"),
            "pairs.jsonl:1: no field \"prompt\" or \"prompt_ids\", found chosen, rejected");
  EXPECT_EQ(error_of(good + "{\"prompt\": \"a\", \"chosen\": null, \"rejected\": \"c\"}"),
            "pairs.jsonl:2: no field \"chosen\", found chosen, prompt, rejected");
  EXPECT_EQ(
      error_of(good + "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": [{\"role\": \"assistant\"}]}"),
      "pairs.jsonl:2: \"rejected\" is an array, expected a string");
  EXPECT_EQ(error_of("{\"prompt\": \"a\", \"chosen\": 4, \"rejected\": 5}"),
            "pairs.jsonl:1: \"chosen\" is number, expected a string");
}

}  // namespace
}  // namespace cohort
