#include "rl/steps.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "data/tasks.h"

namespace cohort {
namespace {

// Tokens of several characters stand first, in this order: ids 0 to 4.
Tokenizer tokenizer_of() {
  return Tokenizer::characters("abcd\n ;", {"<end>", "a\n", "\nb", "\n\n", "a\nb\nc"}, "<end>");
}

Sample sample_of(const Tokenizer& tokenizer, std::string_view text) {
  Sample sample;
  sample.completion_ids = tokenizer.encode(text, false);
  return sample;
}

using Ends = std::vector<int32_t>;

std::vector<double> rewards_of(const Sample& sample) {
  std::vector<double> rewards;
  for (const StepReward& step : sample.steps) rewards.push_back(step.reward);
  return rewards;
}

// Catches: an end at the separator's first token or one off, a last step without separator lost, an empty
// last step made up, the end token without a step, no separator taken for no step.
TEST(Steps, EndWhereTheirSeparatorEnds) {
  const Tokenizer t = tokenizer_of();
  const auto ends = [&](std::string_view text, std::string_view separator) {
    return step_ends(t, sample_of(t, text), separator);
  };
  EXPECT_EQ(ends("b;cd;d", ";"), (Ends{2, 5, 6}));
  EXPECT_EQ(ends("b;cd;d<end>", ";"), (Ends{2, 5, 7}));
  EXPECT_EQ(ends("b;cd;<end>", ";"), (Ends{2, 6}));  // no text behind the last separator
  EXPECT_EQ(ends("b;cd; <end>", ";"), (Ends{2, 7}));
  EXPECT_EQ(ends("b; d ;d", "; d"), (Ends{4, 7}));  // separators of several tokens
  EXPECT_EQ(ends("bcd<end>", ";"), (Ends{4}));
  EXPECT_EQ(ends("<end>", ";"), (Ends{1}));
  EXPECT_EQ(ends(";;", ";"), (Ends{2}));
  EXPECT_EQ(ends("", ";"), (Ends{}));
  EXPECT_EQ(ends(";b; ;c", ";"), (Ends{3, 6}));  // separators that end no text
  EXPECT_THROW(ends("b", ""), Error);
}

// Catches: a special token that cannot end steps, being no text, or one that ends steps unasked.
TEST(Steps, MayEndWithASpecialToken) {
  const Tokenizer t = Tokenizer::characters("abc", {"<end>", "<step>"}, "<end>");
  const Sample sample = sample_of(t, "ab<step>c<step>b<end>");
  EXPECT_EQ(step_ends(t, sample, "<step>"), (Ends{3, 5, 7}));
  EXPECT_EQ(step_texts(t, sample, "<step>"), (std::vector<std::string>{"ab", "c", "b"}));
  EXPECT_EQ(step_ends(t, sample, "c"), (Ends{4, 7}));
}

// Catches: steps counted in tokens where a token holds more than a separator, so that what is judged depends
// on the tokenizer.
TEST(Steps, DoNotDependOnTheTokenizer) {
  const Tokenizer t = tokenizer_of();
  Sample sample;
  sample.completion_ids = {1, 2, 3};  // "a\n" "\nb" "\n\n"
  EXPECT_EQ(step_ends(t, sample, "\n"), (Ends{1, 3}));
  score_steps(t, {"a", "b"}, "\n", sample);
  EXPECT_EQ(rewards_of(sample), (std::vector<double>{1, 1}));
  sample.completion_ids = {4, t.token_id("d")};  // "a\nb\nc" "d"
  EXPECT_EQ(step_ends(t, sample, "\n"), (Ends{1, 1, 2}));
  score_steps(t, {"a", "c", "cd"}, "\n", sample);
  EXPECT_EQ(rewards_of(sample), (std::vector<double>{1, 0, 1}));
  sample.completion_ids = {t.token_id("a"), 7'000'000};  // beyond the vocabulary
  EXPECT_EQ(step_ends(t, sample, "\n"), (Ends{2}));
}

// Catches: text lost or doubled at the cuts, where separators stand side by side, at the end, or in one token
// with text.
TEST(Steps, TextsJoinToTheCompletion) {
  const Tokenizer t = tokenizer_of();
  for (std::string_view text : {"b;cd;d", "b;cd;d<end>", "b;cd;<end>", "b;cd; <end>", ";b; ;c", "a\nb\nc;d",
                                ";;", "bcd", "<end>", "a\n;\nb\n\n;"})
    for (std::string_view separator : {";", "\n", "; "}) {
      const Sample sample = sample_of(t, text);
      const std::vector<std::string> texts = step_texts(t, sample, separator);
      EXPECT_EQ(texts.size(), step_ends(t, sample, separator).size());
      EXPECT_EQ(fmt::format("{}", fmt::join(texts, separator)), t.decode(sample.completion_ids, true))
          << text;
    }
  EXPECT_EQ(step_texts(t, sample_of(t, "b; ;c;<end>"), ";"), (std::vector<std::string>{"b", " ;c;"}));
}

// Catches: steps matched anywhere instead of by position, white space that counts, steps beyond the gold
// paid, steps of an earlier scoring left over, inserted text judged.
TEST(Steps, AreRewardedByPosition) {
  const Tokenizer t = tokenizer_of();
  Sample sample = sample_of(t, "b; cd ;d;a");
  score_steps(t, {" b", "d", "d"}, ";", sample);
  EXPECT_EQ(rewards_of(sample), (std::vector<double>{1, 0, 1, 0}));
  EXPECT_EQ(sample.steps[1].end, 7);
  EXPECT_EQ(sample.steps[3].end, 10);
  score_steps(t, {"b", "cd"}, ";", sample);
  EXPECT_EQ(rewards_of(sample), (std::vector<double>{1, 1, 0, 0}));
  sample = sample_of(t, "b;;;d;");
  sample.spans = {{0, 1, true}, {1, 4, false}, {4, 6, true}};  // "b" and "d;" were sampled
  score_steps(t, {"bd"}, ";", sample);
  EXPECT_EQ(rewards_of(sample), (std::vector<double>{1}));
  EXPECT_EQ(sample.steps[0].end, 6);
}

// Catches: a task whose own completions do not earn the reward of every step, a step's mistake that costs
// another step.
TEST(Steps, OfTheCarriesTask) {
  std::vector<std::string> whole{"<|end|>"};
  for (std::string_view tag : think_answer_tags()) whole.emplace_back(tag);
  const Tokenizer t = Tokenizer::characters(carries_alphabet(), whole, whole[0]);
  for (const Row& row : make_rows("carries", {.digits = 3, .rows = 200}, 1)) {
    Sample sample = sample_of(t, row.completion + "<|end|>");
    const std::vector<std::string> gold = gold_steps(row, "carries");
    score_steps(t, gold, "\n", sample);
    EXPECT_EQ(rewards_of(sample), std::vector<double>(gold.size(), 1.0)) << row.completion;
    EXPECT_EQ(sample.steps.back().end, static_cast<int32_t>(sample.completion_ids.size()));
    std::string wrong = row.completion;
    const size_t sum = wrong.find('=') + 1;
    wrong[sum] = wrong[sum] == '2' ? '3' : '2';
    sample = sample_of(t, wrong);
    score_steps(t, gold, "\n", sample);
    std::vector<double> expected(gold.size(), 1.0);
    expected[0] = 0;
    EXPECT_EQ(rewards_of(sample), expected) << wrong;
  }
}

std::string error_of(std::string_view fields, int64_t line) {
  Row row;
  row.line = line;
  row.fields = std::make_shared<const nlohmann::json>(nlohmann::json::parse(fields));
  try {
    gold_steps(row, "rows.jsonl");
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: steps of another kind taken for none, a message without its place.
TEST(Steps, GoldMustBeAListOfStrings) {
  EXPECT_EQ(error_of(R"({"steps": ["a", "b"]})", 3), "none");
  EXPECT_EQ(
      error_of(R"({"prompt": "a"})", 3),
      "rows.jsonl:3: no field \"steps\", expected a list of strings (rewards of steps compare with it)");
  EXPECT_EQ(error_of(R"({"steps": "a"})", 4),
            "rows.jsonl:4: \"steps\" is string, expected a list of strings");
  EXPECT_EQ(error_of(R"({"steps": []})", 4), "rows.jsonl:4: \"steps\" is empty, expected a list of strings");
  EXPECT_EQ(error_of(R"({"steps": ["a", 7]})", 0), "rows.jsonl: \"steps\"[1] is number, expected a string");
  EXPECT_EQ(gold_steps(make_rows("carries", {.digits = 2}, 0)[0], "carries").empty(), false);
}

}  // namespace
}  // namespace cohort
