#include "data/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "data/order.h"
#include "data/tasks.h"

namespace cohort {
namespace {

constexpr std::string_view kPrompt[] = {"prompt"};
constexpr std::string_view kAnswered[] = {"prompt", "answer"};

std::string error_of(std::string_view text, RequiredFields required = kPrompt) {
  try {
    parse_rows(text, "rows.jsonl", {required});
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: lost fields, CRLF or blank lines taken for rows, line numbers that skip them, a last line without
// its line feed.
TEST(Rows, ReadsEveryForm) {
  const std::vector<Row> rows = parse_rows(
      "\xEF\xBB\xBF{\"prompt\": \"a\\n\", \"completion\": \"b\", \"answer\": 3.50, \"level\": {\"x\": "
      "[1]}}\r\n"
      "\n"
      " \t\r\n"
      "{\"prompt_ids\": [1, 2147483647], \"completion_ids\": [], \"prompt\": null}",
      "rows.jsonl", {kPrompt});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].question, "a\n");
  EXPECT_EQ(rows[0].prompt, "a\n");
  EXPECT_EQ(rows[0].completion, "b");
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_EQ(rows[0].text("answer"), "3.5");
  EXPECT_EQ(rows[0].text("completion"), "b");
  EXPECT_EQ(rows[0].text("absent"), "");
  EXPECT_EQ((*rows[0].fields)["level"]["x"][0], 1);
  EXPECT_EQ(rows[1].line, 4);
  EXPECT_EQ(rows[1].prompt_ids, (std::vector<int32_t>{1, 2147483647}));
}

// Catches: an error without file, line, expectation or finding, and broken input that is read as something.
TEST(Rows, ErrorsNameTheLine) {
  const std::string good = "{\"prompt\": \"a\"}\n";
  EXPECT_EQ(error_of(""), "rows.jsonl: no rows, expected one JSON object a line");
  EXPECT_EQ(error_of("\n \n"), "rows.jsonl: no rows, expected one JSON object a line");
  EXPECT_TRUE(error_of(good + "\n{\"prompt\": \"a\"").starts_with("rows.jsonl:3: not JSON: column "))
      << error_of(good + "{");
  EXPECT_TRUE(error_of(good + "{\"prompt\": \"\\ud800\"}").starts_with("rows.jsonl:2: not JSON: "));
  EXPECT_TRUE(error_of("{\"prompt\": \"a\"} {}").starts_with("rows.jsonl:1: not JSON: "));
  EXPECT_EQ(error_of(good + "[1]"), "rows.jsonl:2: expected a JSON object, found array");
  EXPECT_EQ(error_of(good + "\"a\""), "rows.jsonl:2: expected a JSON object, found string");
  EXPECT_EQ(error_of(good + "{\"promt\": \"a\", \"b\": 1}"),
            "rows.jsonl:2: no field \"prompt\" or \"prompt_ids\", found b, promt");
  EXPECT_EQ(error_of(good, kAnswered), "rows.jsonl:1: no field \"answer\", found prompt");
  EXPECT_EQ(error_of("{\"prompt\": \"a\", \"answer\": null}", kAnswered),
            "rows.jsonl:1: no field \"answer\", found answer, prompt");
  EXPECT_EQ(error_of("{\"prompt\": 5}"), "rows.jsonl:1: \"prompt\" is number, expected a string");
  EXPECT_EQ(error_of("{\"prompt\": [{\"role\": \"user\"}]}"),
            "rows.jsonl:1: \"prompt\" is an array, expected a string");
  EXPECT_EQ(error_of("{\"prompt_ids\": 5}"),
            "rows.jsonl:1: \"prompt_ids\" is number, expected an array of token ids");
  for (const char* id : {"-1", "1.5", "2147483648", "99999999999999999999", "\"1\"", "null"})
    EXPECT_TRUE(error_of(fmt::format("{{\"prompt_ids\": [0, {}]}}", id))
                    .starts_with("rows.jsonl:1: \"prompt_ids\"[1] is "))
        << id;
}

// Catches: bytes that are no UTF-8 reaching the tokenizer (overlong, surrogate, beyond U+10FFFF, cut short).
TEST(Rows, RefusesInvalidUtf8) {
  EXPECT_EQ(error_of("{\"prompt\": \"\xFF\"}"), "rows.jsonl:1: byte 13 is 0xff, expected UTF-8");
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                          "\xE2\x82", "\x80", "\xC3"})
    EXPECT_EQ(error_of(fmt::format("{{\"prompt\": \"{}\"}}", bad)).substr(0, 23), "rows.jsonl:1: byte 13 i")
        << bad;
  for (const char* good :
       {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(error_of(fmt::format("{{\"prompt\": \"{}\"}}", good)), "none");
}

// Catches: text before and after applied twice, or to what the split hashes.
TEST(Rows, SetPromptsKeepsTheQuestion) {
  std::vector<Row> rows = parse_rows("{\"prompt\": \"6 + 2 =\"}", "rows.jsonl", {kPrompt});
  set_prompts(rows, "Q: ", "\nA:");
  set_prompts(rows, "Q: ", "\nA:");
  EXPECT_EQ(rows[0].prompt, "Q: 6 + 2 =\nA:");
  EXPECT_EQ(rows[0].question, "6 + 2 =");
}

// Catches: a hash that changes with machine, compiler or release, which would move questions between training
// and evaluation.
TEST(Split, HashIsFixed) {
  EXPECT_EQ(text_hash(""), 0xEFD01F60BA992926u);
  EXPECT_EQ(text_hash("a"), 0x82A2A958A9BECE5Bu);
  EXPECT_EQ(text_hash("6 + 2 ="), 0x76B8807FF79C5D7u);
}

std::vector<std::string> questions(const std::vector<Row>& rows) {
  std::vector<std::string> out;
  for (const Row& row : rows) out.push_back(row.question);
  return out;
}

// Catches: one question on both sides, a side that depends on order or on the other rows, a share that is far
// off.
TEST(Split, HoldsOutByQuestion) {
  const std::vector<Row> all = make_rows("sums", {.digits = 2}, 1);
  ASSERT_EQ(all.size(), 8100u);
  std::vector<Row> doubled(all);
  doubled.insert(doubled.end(), all.rbegin(), all.rend());
  const Split split = split_by_question(doubled, 0.2);
  EXPECT_NEAR(static_cast<double>(split.held_out.size()) / 16200, 0.2, 0.015);
  EXPECT_EQ(split.held_out.size() + split.train.size(), 16200u);
  std::vector<std::string> held = questions(split.held_out), train = questions(split.train), both;
  std::ranges::sort(held);
  std::ranges::sort(train);
  std::ranges::set_intersection(held, train, std::back_inserter(both));
  EXPECT_TRUE(both.empty());
  const Split few = split_by_question(std::vector<Row>(all.begin(), all.begin() + 500), 0.2);
  for (const std::string& question : questions(few.held_out))
    EXPECT_TRUE(std::ranges::binary_search(held, question)) << question;
  EXPECT_TRUE(split_by_question(all, 0).held_out.empty());
  EXPECT_THROW(split_by_question(all, 1), Error);
}

// Catches: an order that depends on anything but seed and epoch, or that is no permutation. The first numbers
// are fixed for ever.
TEST(Shuffle, IsFixed) {
  const std::vector<uint32_t> order = shuffled_order(10, 42, 0);
  EXPECT_EQ(order, (std::vector<uint32_t>{3, 2, 9, 8, 4, 6, 5, 0, 1, 7}));
  EXPECT_NE(order, shuffled_order(10, 42, 1));
  EXPECT_NE(order, shuffled_order(10, 43, 0));
  std::vector<uint32_t> sorted = shuffled_order(1000, 1, 1);
  std::ranges::sort(sorted);
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(sorted[i], i);
  EXPECT_TRUE(shuffled_order(0, 1, 1).empty());
  // Every place is equally likely to receive element 0: chi-squared with 9 degrees of freedom, 27.9 at 0.001.
  double count[10] = {}, chi = 0;
  for (uint32_t epoch = 0; epoch < 5000; ++epoch) {
    const auto o = shuffled_order(10, 7, epoch);
    ++count[std::ranges::find(o, 0u) - o.begin()];
  }
  for (double c : count) chi += (c - 500) * (c - 500) / 500;
  EXPECT_LT(chi, 27.9);
}

}  // namespace
}  // namespace cohort
