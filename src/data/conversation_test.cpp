#include "data/conversation.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace cohort {
namespace {

constexpr std::string_view kFields[] = {"prompt", "completion"};
constexpr const char* kChat =
    R"({"messages": [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}, )"
    R"({"role": "user", "content": "+1"}, {"role": "assistant", "content": "3"}]})";

std::string error_of(const std::string& text, Conversations conversations = Conversations::turns) {
  try {
    parse_rows(text, "chat.jsonl", {kFields, conversations});
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: turns in another order; the recipe's text around the assistant's turns, or missing around a later
// question.
TEST(Conversation, TurnsAndTheTextAroundQuestions) {
  std::vector<Row> rows = parse_rows(kChat, "chat.jsonl", {kFields, Conversations::turns});
  set_prompts(rows, "Q ", " A ");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].question, "1+1");
  EXPECT_EQ(rows[0].prompt, "Q 1+1 A ");
  EXPECT_EQ(rows[0].turns, (std::vector<std::string>{"2", "Q +1 A ", "3"}));
}

// Catches: the question looked for in messages that are not there, in a row of one half of a pair.
TEST(Conversation, TheQuestionIsInTheFirstListThereIs) {
  const auto question = [](const char* row) {
    return parse_rows(row, "chat.jsonl", {{}, Conversations::chat})[0].question;
  };
  EXPECT_EQ(question(R"({"chosen": [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}]})"), "1+1");
  EXPECT_EQ(question(R"({"rejected": [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "3"}]})"), "1+1");
  EXPECT_EQ(question(R"({"chosen": [{"role": "assistant", "content": "2"}]})"), "");
  EXPECT_EQ(question(R"({"prompt": [{"role": "user", "content": "a"}], "chosen": [{"role": "user", "content": "b"}]})"), "a");
}

// Catches: conversations taken where only prompts and completions are read, and broken ones trained on.
TEST(Conversation, WhatIsRefused) {
  EXPECT_NE(error_of(kChat, Conversations::refused).find("chat.jsonl:1: no field \"prompt\""),
            std::string::npos);
  const auto expect = [](const char* messages, const char* words) {
    const std::string error = error_of(fmt::format("{{\"messages\": {}}}", messages));
    EXPECT_NE(error.find("chat.jsonl:1: "), std::string::npos) << error;
    EXPECT_NE(error.find(words), std::string::npos) << error;
  };
  expect("\"hello\"", "is string, expected user and assistant by turns");
  expect("[]", "a list of 0");
  expect(R"([{"role": "user", "content": "x"}])", "a list of 1");
  expect(R"([{"role": "assistant", "content": "x"}, {"role": "user", "content": "x"}])",
         "messages[0]: expected the role \"user\", found \"assistant\"");
  expect(R"([{"role": "system", "content": "x"}, {"role": "user", "content": "x"}])", "chat template");
  expect(R"([{"role": "user", "content": "x"}, {"role": "assistant"}])",
         "messages[1]: expected the string \"content\", found none");
  expect(R"([{"role": "user", "content": ["x"]}, {"role": "assistant", "content": "x"}])", "found array");
  expect(R"([1, 2])", "messages[0]: expected an object, found number");
}

}  // namespace
}  // namespace cohort
