#include "reward/reward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "reward/format.h"
#include "reward/number.h"
#include "reward/rules.h"

namespace cohort {
namespace {

using nlohmann::json;

bool follows_r1(std::string_view text) {
  const std::vector<std::string> tags{"think", "answer"};
  return follows_format(text, tags, true);
}

// Catches: signs, commas and points read wrong, numbers compared as floating point, junk accepted.
TEST(Number, WholeText) {
  const std::pair<const char*, const char*> good[] = {
      {"42", "42"},
      {" -7\n", "-7"},
      {"+3", "3"},
      {"\xE2\x88\x92"
       "12",
       "-12"},
      {"007", "7"},
      {"1,234,567", "1234567"},
      {"-1,000.50", "-1000.5"},
      {"0.10", "0.1"},
      {".5", "0.5"},
      {"5.", "5"},
      {"-0", "0"},
      {"-0.000", "0"},
      {"100", "100"},
      {"10000000000000000000000000000001", "10000000000000000000000000000001"},
      {"0.30000000000000004", "0.30000000000000004"}};
  for (const auto& [text, expected] : good) EXPECT_EQ(parse_number(text).value_or("none"), expected) << text;
  for (const char* text :
       {"",     " ",   "-",  "+",  ".",   "1,23", "1,2345", "1234,567", ",123", "12,", "1.2.3",
        "1.5.", "1e5", "5%", "$5", "--5", "- 5",  "1 2",    "x",        "0x10", "NaN", "inf"})
    EXPECT_FALSE(parse_number(text)) << text << " read as " << *parse_number(text);
}

// Catches: a minus taken from a subtraction, a full stop read as a fraction, list commas read as thousands,
// the first number taken.
TEST(Number, LastOfAText) {
  const std::pair<const char*, const char*> cases[] = {{"The answer is 8.", "8"},
                                                       {"6 + 2 = 8", "8"},
                                                       {"8 = 6 + 2", "2"},
                                                       {"= -3", "-3"},
                                                       {"x=-3", "-3"},
                                                       {"8-3", "3"},
                                                       {"8 - 3", "3"},
                                                       {"(1)-3", "3"},
                                                       {"a[0]-3", "3"},
                                                       {"x-3", "3"},
                                                       {"(-3)", "-3"},
                                                       {"\xE2\x88\x92"
                                                        "3",
                                                        "-3"},
                                                       {"5\xE2\x88\x92"
                                                        "3",
                                                        "3"},
                                                       {"total: 1,234,567 apples", "1234567"},
                                                       {"1, 2, 3", "3"},
                                                       {"1,23", "23"},
                                                       {"1,2345", "2345"},
                                                       {"-1,23", "23"},
                                                       {"1234,567", "567"},
                                                       {"3.14", "3.14"},
                                                       {"3.140", "3.14"},
                                                       {"$ .50", "0.5"},
                                                       {"wait...5", "5"},
                                                       {"1.2.3", "3"},
                                                       {"10.", "10"},
                                                       {"costs 5,", "5"},
                                                       {"**42**", "42"},
                                                       {"\\boxed{-17}", "-17"},
                                                       {"-0", "0"},
                                                       {"00012", "12"},
                                                       {"no number", "none"},
                                                       {"", "none"},
                                                       {"-.,", "none"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(last_number(text).value_or("none"), expected) << text;
}

// Catches: a template that may be followed loosely, which the policy would find at once.
TEST(Format, IsStrict) {
  for (const char* text : {"<think> a </think> <answer> 1 </answer>", "<think></think><answer>1</answer>",
                           "\n<think>a\nb < c</think>\n\t<answer>1 < 2</answer>\r\n"})
    EXPECT_TRUE(follows_r1(text)) << text;
  for (const char* text : {"",
                           "1",
                           "<think> a </think> 1",
                           "<answer> 1 </answer>",
                           "<think> a </think> <answer> 1",
                           "<think> a <answer> 1 </answer>",
                           "a <think> a </think> <answer> 1 </answer>",
                           "<think> a </think> so <answer> 1 </answer>",
                           "<think> a </think> <answer> 1 </answer> done",
                           "<think> a </think> <answer>  </answer>",
                           "<think> a </think> <answer></answer>",
                           "<answer> 1 </answer> <think> a </think>",
                           "<think> a <answer> 1 </answer> </think>",
                           "<think> a </think> <think> b </think> <answer> 1 </answer>",
                           "<think> a </think> <answer> 1 </answer> <answer> 1 </answer>",
                           "<think> <think> a </think> <answer> 1 </answer>",
                           "<think> a </think> </think> <answer> 1 </answer>",
                           "<think> a </think> <answer> <answer> 1 </answer>",
                           "<THINK> a </THINK> <answer> 1 </answer>",
                           "<think > a </think> <answer> 1 </answer>",
                           "</think> a <think> <answer> 1 </answer>"})
    EXPECT_FALSE(follows_r1(text)) << text;
}

// Catches: text that lenient refuses or strict accepts, a template that must end where its last part does, and tags
// that are not those asked for.
TEST(Format, TagsAndLeniencyAreChosen) {
  const std::vector<std::string> think{"think"}, other{"plan", "code"};
  EXPECT_TRUE(follows_format(" <think>a</think> so 3", think, false));
  EXPECT_FALSE(follows_format("<think>a</think> so 3", think, true));
  EXPECT_TRUE(follows_format("<think></think>", think, false));
  EXPECT_FALSE(follows_format("well <think>a</think>", think, false));
  EXPECT_TRUE(follows_format("<plan>a</plan> then <code>b</code> done", other, false));
  EXPECT_FALSE(follows_format("<plan>a</plan> then <code>b</code>", other, true));
  EXPECT_FALSE(follows_format("<code>b</code><plan>a</plan>", other, false));
  EXPECT_DOUBLE_EQ(tag_count("<plan>a</plan> <code>b", other), 0.75);
  EXPECT_DOUBLE_EQ(tag_count("<plan><plan>a</plan></code>", other), 0.5);
}

// Catches: an answer read outside its tags or from an unclosed one.
TEST(Format, AnswerTag) {
  EXPECT_EQ(answer_tag("<answer> 12 </answer>"), "12");
  EXPECT_EQ(answer_tag("<answer>1</answer> no, <answer>\n2\n</answer> 3"), "2");
  EXPECT_EQ(answer_tag("<answer></answer>"), "");
  EXPECT_FALSE(answer_tag("12"));
  EXPECT_FALSE(answer_tag("<answer>1</answer> <answer> 2"));
  EXPECT_FALSE(answer_tag("1</answer>"));
}

RewardSettings settings_of(std::vector<std::string> names, std::vector<double> weights = {}) {
  RewardSettings s;
  s.reward_funcs = std::move(names);
  s.reward_weights = std::move(weights);
  return s;
}

RewardResult call(const char* name, const json& fields, const char* completion) {
  return make_rewards(settings_of({name}))[0].call({fields, "", completion});
}

// Catches: gold compared as text where it is a number, partial text accepted, or a wrong answer in the right
// format paid.
TEST(Reward, Values) {
  struct Case {
    const char* reward;
    json answer;
    const char* completion;
    double value;
  };
  const Case cases[] = {
      {"last_number", "8", "6 + 2 = 8.0", 1},
      {"last_number", 8, "It is 8", 1},
      {"last_number", "1,000", "1000", 1},
      {"last_number", 0.1, "0.10", 1},
      {"last_number", "8", "8, not 9", 0},
      {"last_number", "8", "eight", 0},
      {"last_number", "-8", "8", 0},
      {"last_number", "9007199254740993", "9007199254740992", 0},
      {"answer_tag", "432", "<think> 1 </think> <answer> 432 </answer>", 1},
      {"answer_tag", "432", "<answer>0432.0</answer>", 1},
      {"answer_tag", "432", "432", 0},
      {"answer_tag", "432", "<answer> it is 432 </answer>", 0},
      {"answer_tag", "432", "<answer> 43 </answer> 432", 0},
      {"answer_tag", "Paris", "<answer> Paris\n</answer>", 1},
      {"answer_tag", "Paris", "<answer> paris </answer>", 0},
      {"think_format", "432", "<think> 1 </think> <answer> 7 </answer>", 1},
      {"think_format", "432", "432", 0},
  };
  for (const Case& c : cases) {
    const RewardResult result = call(c.reward, {{"answer", c.answer}}, c.completion);
    EXPECT_TRUE(result.computed) << c.completion;
    EXPECT_EQ(result.value, c.value) << c.reward << ": " << c.answer << " against " << c.completion;
  }
}

// Catches: gold that cannot be read counted as a wrong answer.
TEST(Reward, UnreadableGoldIsNotComputed) {
  const std::pair<json, const char*> cases[] = {
      {json::object(), "the row has no field \"answer\""},
      {{{"answer", nullptr}}, "\"answer\" is null, expected a string or a number"},
      {{{"answer", {1, 2}}}, "\"answer\" is array, expected a string or a number"},
      {{{"answer", "x = 5"}}, "\"answer\" is no number: \"x = 5\""}};
  for (const auto& [fields, reason] : cases) {
    const RewardResult result = call("last_number", fields, "5");
    EXPECT_FALSE(result.computed);
    EXPECT_EQ(result.reason, reason);
  }
  EXPECT_FALSE(call("answer_tag", {{"answer", " "}}, "<answer></answer>").computed);
}

// Catches: weights mixed up, and a reward that could not be computed entering the sum as 0.
TEST(Reward, WeightedSum) {
  const auto functions = make_rewards(settings_of({"last_number", "think_format"}, {2, 0.5}));
  const nlohmann::json seven{{"answer", "7"}}, unknown{{"answer", "?"}};
  const char* completion = "<think> 1 </think> <answer> 7 </answer>";
  const RewardInput inputs[] = {{seven, "", completion}, {unknown, "", completion}};
  const std::vector<Score> scores = score(functions, inputs);
  const Score &good = scores[0], &bad = scores[1];
  EXPECT_EQ(good.reward, 2.5);
  EXPECT_EQ(good.rewards,
            (std::vector<std::pair<std::string, double>>{{"last_number", 1}, {"think_format", 1}}));
  EXPECT_TRUE(good.reasons.empty());
  EXPECT_TRUE(std::isnan(bad.reward));
  EXPECT_TRUE(std::isnan(bad.rewards[0].second));
  EXPECT_EQ(bad.rewards[1].second, 1);
  EXPECT_EQ(bad.reasons, (std::vector<std::string>{"last_number: \"answer\" is no number: \"?\""}));
}

// Catches: equal answers that would be counted as different votes.
TEST(Reward, ExtractedAnswersAreCanonical) {
  const auto functions = make_rewards(settings_of({"last_number", "answer_tag", "think_format"}));
  EXPECT_EQ(functions[0].extract("is 8.0"), functions[0].extract("so 08."));
  EXPECT_EQ(functions[0].extract("none"), "");
  EXPECT_EQ(functions[1].extract("<answer>1,000</answer>"), "1000");
  EXPECT_EQ(functions[1].extract("<answer> Paris </answer>"), "Paris");
  EXPECT_EQ(functions[1].extract("1000"), "");
  EXPECT_FALSE(functions[2].extract);
}

std::string error_of(std::vector<std::string> names, std::vector<double> weights) {
  try {
    RewardSettings settings = settings_of(std::move(names), std::move(weights));
    settings.soft_punish_cache = 2;
    make_rewards(settings, 8);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

// Catches: a misspelt or repeated reward, or weights of another length, taken silently.
TEST(Reward, RefusesBadLists) {
  const std::string unknown = error_of({"last_nubmer"}, {});
  EXPECT_TRUE(unknown.starts_with("reward_funcs: expected some of answer_tag, ")) << unknown;
  EXPECT_TRUE(unknown.ends_with(
      ", token_budget, token_f1, model:PATH or command:LINE, found \"last_nubmer\" (nearest: last_number)"))
      << unknown;
  EXPECT_EQ(error_of({"last_number", "last_number"}, {}), "reward_funcs: \"last_number\" stands there twice");
  EXPECT_EQ(error_of({"last_number"}, {1, 2}),
            "reward_weights: expected one for each of the 1 reward_funcs, found 2");
  EXPECT_EQ(error_of({"last_number"}, {NAN}), "reward_weights: expected finite numbers, found nan");
  for (const RewardRule* rule : reward_rules())
    EXPECT_EQ(error_of({"last_number", std::string(rule->name)}, {}) == "none", rule != &kLastNumberRule);
  EXPECT_EQ(error_of({"cosine_scaled"}, {}),
            "reward_funcs: cosine_scaled pays by what the first of them says, expected a rule about the "
            "answer there, "
            "found \"cosine_scaled\"");
}

}  // namespace
}  // namespace cohort
