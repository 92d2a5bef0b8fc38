// Rewards for form, length, repetition and language, against the values of other implementations and by hand.
#include "reward/rules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/external_cases.h"
#include "reward/language.h"

namespace cohort {
namespace {

using nlohmann::json;

double value_of(const RewardRule& rule, const RewardSettings& settings, const std::string& completion,
                int64_t tokens = 0, const json& fields = json::object(), int64_t most = 100) {
  RewardFunction function;
  rule.make(settings, most, function);
  const RewardResult result = function.call({fields, "", completion, tokens});
  return result.computed ? result.value : NAN;
}

// Rows of TRL's and open-r1's own tests, where they are at hand. Catches: a value that is not theirs.
TEST(RewardRules, EqualTrlAndOpenR1) {
  const std::filesystem::path path = external_cases("reward_functions.jsonl");
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "no " << path;
  std::map<std::string, int> seen;
  for (std::string line; std::getline(file, line);) {
    const json row = json::parse(line);
    const std::string fn = row["fn"];
    const json &input = row["input"], &params = row["params"];
    const std::string text = input.is_string() ? input.get<std::string>() : "";
    RewardSettings s;
    double found = NAN;
    if (fn == "think_format_reward") {
      s.format_tags = {"think"};
      s.format_strict = false;
      found = value_of(kThinkFormatRule, s, text);
    } else if (fn == "format_reward(think+answer)") {
      found = value_of(kThinkFormatRule, s, text);
    } else if (fn == "soft_overlong_punishment") {
      s.soft_punish_cache = params["soft_punish_cache"];
      found = value_of(kSoftOverlongRule, s, "", input["len"], json::object(), params["max_completion_len"]);
    } else if (fn == "cosine_scaled_reward") {
      s.reward_funcs = {"last_number", "cosine_scaled"};
      s.cosine_max_len = params["max_len"];
      found = value_of(kCosineScaledRule, s, input["correct"].get<bool>() ? "7" : "8", input["len"],
                       {{"answer", "7"}});
    } else if (fn == "repetition_penalty") {
      s.repetition_n_grams = params["ngram_size"];
      s.repetition_max_penalty = params["max_penalty"];
      found = value_of(kRepetitionPenaltyRule, s, text);
    } else if (fn == "reasoning_steps_reward") {
      found = value_of(kReasoningStepsRule, s, text);
    } else if (fn == "puzzle_match") {
      found = value_of(kTextMatchRule, s, input["prediction"], 0, {{"answer", input["label"]}});
    } else if (fn == "token_f1") {
      found = value_of(kTokenF1Rule, s, input["prediction"], 0, {{"answer", input["label"]}});
    } else {
      FAIL() << line;
    }
    ++seen[fn];
    EXPECT_NEAR(found, row["expected"].get<double>(), 1e-5) << line;
  }
  EXPECT_EQ(seen.size(), 8u);
}

// Catches: articles, punctuation or case that count; words counted once though they stand there twice; another answer than the
// nearest; a row without answers taken for wrong.
TEST(RewardRules, WordsAreComparedAsSquadComparesThem) {
  RewardSettings s;
  const json row{{"answer", {"The Eiffel Tower, in Paris", "Tour Eiffel"}}};
  const auto match = [&](const char* text) { return value_of(kTextMatchRule, s, text, 0, row); };
  const auto share = [&](const char* text) { return value_of(kTokenF1Rule, s, text, 0, row); };
  EXPECT_EQ(match("<think>the tour?</think>\n<answer>An eiffel-tower? no</answer>"), 0);
  EXPECT_EQ(match("<think>x</think> <answer> tour  \xC3\x89iffel</answer>"), 0);
  EXPECT_EQ(match("<think>x</think> <answer> TOUR\teiffel! </answer>"), 1);
  EXPECT_EQ(match("Eiffel Tower in Paris"), 1);
  EXPECT_DOUBLE_EQ(share("eiffel eiffel"), 2.0 / 4);                  // of the second answer: one of two
  EXPECT_DOUBLE_EQ(share("the tower in paris is high"), 2 * 3.0 / 9);  // of the first
  EXPECT_EQ(share(""), 0);
  EXPECT_NE(value_of(kTokenF1Rule, s, "x", 0, json::object()), value_of(kTokenF1Rule, s, "x", 0, json::object()));
}

// Catches: ends of the cosine swapped, lengths beyond it, a verdict that could not be had taken for wrong.
TEST(RewardRules, CosineRunsBetweenItsEnds) {
  RewardSettings s;
  s.reward_funcs = {"answer_tag", "cosine_scaled"};
  s.cosine_max_value_correct = 2, s.cosine_min_value_correct = 1;
  s.cosine_min_value_wrong = -4, s.cosine_max_value_wrong = -1;
  const json row{{"answer", "x"}};
  for (const auto& [text, start, middle, end] :
       {std::tuple{"<answer>x</answer>", 2.0, 1.5, 1.0}, {"<answer>y</answer>", -4.0, -2.5, -1.0}}) {
    EXPECT_NEAR(value_of(kCosineScaledRule, s, text, 0, row), start, 1e-12);
    EXPECT_NEAR(value_of(kCosineScaledRule, s, text, 50, row), middle, 1e-12);
    EXPECT_NEAR(value_of(kCosineScaledRule, s, text, 100, row), end, 1e-12);
    EXPECT_NEAR(value_of(kCosineScaledRule, s, text, 1000, row), end, 1e-12);
  }
  EXPECT_TRUE(std::isnan(value_of(kCosineScaledRule, s, "x", 1)));  // no gold
}

// Catches: a budget of the recipe that wins over the row's, a sign, a row's nonsense taken for a budget.
TEST(RewardRules, TokenBudgetCostsByDistance) {
  RewardSettings s;
  s.token_budget = 10;
  s.token_budget_alpha = 0.5;
  EXPECT_EQ(value_of(kTokenBudgetRule, s, "", 10), 0);
  EXPECT_EQ(value_of(kTokenBudgetRule, s, "", 14), -2);
  EXPECT_EQ(value_of(kTokenBudgetRule, s, "", 6), -2);
  EXPECT_EQ(value_of(kTokenBudgetRule, s, "", 6, {{"token_budget", 5}}), -0.5);
  EXPECT_TRUE(std::isnan(value_of(kTokenBudgetRule, s, "", 6, {{"token_budget", "5"}})));
  s.token_budget = 0;
  EXPECT_TRUE(std::isnan(value_of(kTokenBudgetRule, s, "", 6)));
}

// Catches: a completion of a length that nobody knows, paid as if it had none.
TEST(RewardRules, AnUnknownLengthIsNotJudged) {
  RewardSettings s;
  s.reward_funcs = {"answer_tag", "cosine_scaled"};
  s.token_budget = 10;
  s.soft_punish_cache = 5;
  for (const RewardRule* rule : {&kTokenBudgetRule, &kSoftOverlongRule, &kCosineScaledRule}) {
    EXPECT_FALSE(std::isnan(value_of(*rule, s, "<answer>x</answer>", 0, {{"answer", "x"}}))) << rule->name;
    EXPECT_TRUE(std::isnan(value_of(*rule, s, "<answer>x</answer>", kUnknownLength, {{"answer", "x"}}))) << rule->name;
  }
}

// Catches: case that hides a repetition, and a text without spaces taken for one word.
TEST(RewardRules, RepetitionSeesWordsOfAllScripts) {
  RewardSettings s;
  s.repetition_n_grams = 1;
  EXPECT_DOUBLE_EQ(value_of(kRepetitionPenaltyRule, s, "Yes yes YES no"), -0.5);
  EXPECT_DOUBLE_EQ(value_of(kRepetitionPenaltyRule, s, "好好好好"), -0.75);
  EXPECT_DOUBLE_EQ(value_of(kRepetitionPenaltyRule, s, "네 네"), -0.5);
  EXPECT_EQ(value_of(kRepetitionPenaltyRule, s, ""), 0);
}

// Catches: code, formulas, tags, links or variables counted as words, and text after them lost.
TEST(Language, ProseIsWhatIsLeft) {
  EXPECT_EQ(prose_of("a `b` c"), "a     c");
  EXPECT_EQ(prose_of("a $x + y$ c $5"), "a         c $5");
  EXPECT_EQ(prose_of("a \\(x\\) <b> c"), "a           c");
  EXPECT_EQ(prose_of("1 < 2 and 3 > 2"), "1 < 2 and 3 > 2");
  EXPECT_EQ(prose_of("a ```x\ny``` b"), "a           b");
  EXPECT_EQ(prose_of("a ```x\ny"), "a       ");
  EXPECT_EQ(prose_of("see https://x.org/a b"), "see                 b");
  const std::string many(200000, '$'), open(200000, '<');
  EXPECT_EQ(prose_of(many).size(), many.size());
  EXPECT_EQ(prose_of(open), open);
  EXPECT_EQ(reasoning_of("<think>a</think>b"), "a");
  EXPECT_EQ(reasoning_of("a</think>b"), "a");
  EXPECT_EQ(reasoning_of("<think>a"), "a");
  EXPECT_EQ(reasoning_of("a"), "a");
}

// Catches: scripts mixed up, a language told by its script alone where others share it, and a variable or a code
// block that spoils the share.
TEST(Language, SharesOfMixedText) {
  const auto share = [](std::string_view text, std::string_view code) {
    const LanguageShare s = language_share(text, code);
    return s.words > 0 ? s.target / s.words : -1;
  };
  const char* english = "First we add the two numbers and then we divide the result by three.";
  const char* german = "Zuerst addieren wir die beiden Zahlen und teilen danach das Ergebnis durch drei.";
  const char* korean = "먼저 두 수를 더한 다음 결과를 셋으로 나눕니다.";
  const char* chinese = "首先我们把这两个数相加，然后把结果除以三。";
  const char* japanese = "まず二つの数を足して、次にその結果を三で割ります。";
  const char* russian = "Сначала мы складываем два числа, а затем делим результат на три.";
  const std::pair<const char*, const char*> texts[] = {{english, "en"}, {german, "de"},   {korean, "ko"},
                                                       {chinese, "zh"}, {japanese, "ja"}, {russian, "ru"}};
  for (const auto& [text, own] : texts)
    for (const auto& [other, code] : texts)
      EXPECT_NEAR(share(text, code), own == code ? 1.0 : 0.0, 0.05) << text << " as " << code;
  // Half and half.
  EXPECT_NEAR(share(std::string(english) + "\n" + korean, "ko"), 8.0 / 22, 0.01);
  EXPECT_NEAR(share(std::string(english) + "\n" + german, "en"), 14.0 / 27, 0.12);
  EXPECT_NEAR(share("답은 x + y 이고 `int main()` $\\alpha$ 입니다", "ko"), 1, 1e-12);
  EXPECT_EQ(share("1 + 2 = 3", "en"), -1);
  EXPECT_EQ(share("\xff\xfe abc def", "ko"), 0);
}

// Catches: a row's language that is not read, an unknown one that counts as English, nothing said that is paid.
TEST(Language, RewardReadsTheRow) {
  RewardSettings s;
  const char* text = "<think>먼저 두 수를 더합니다.</think> The answer is 3.";
  EXPECT_EQ(value_of(kLanguageConsistencyRule, s, text), 0);
  EXPECT_EQ(value_of(kLanguageConsistencyRule, s, text, 0, {{"language", "ko"}}), 1);
  EXPECT_TRUE(std::isnan(value_of(kLanguageConsistencyRule, s, text, 0, {{"language", "qq"}})));
  EXPECT_EQ(value_of(kLanguageConsistencyRule, s, "1 + 2 = 3"), 1);
  EXPECT_EQ(value_of(kLanguageConsistencyRule, s, "<think> </think> The answer is 3."), 0);
  s.language = "qq";
  EXPECT_THROW(value_of(kLanguageConsistencyRule, s, text), Error);
}

}  // namespace
}  // namespace cohort
