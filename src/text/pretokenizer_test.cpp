#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"

namespace cohort {
namespace {

std::vector<std::string> pieces_of(const Pretokenizer& pretokenizer, std::string_view text) {
  std::vector<std::string> pieces;
  pretokenizer.split(text, true, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

// Catches: a Split behaviour that differs from Hugging Face tokenizers, and patterns that the two engines
// read differently.
TEST(Pretokenizer, BehaviorsAreHuggingFaceTokenizers) {
  const std::pair<const char*, SplitBehavior> behaviors[] = {
      {"removed", SplitBehavior::removed},
      {"isolated", SplitBehavior::isolated},
      {"merged_with_previous", SplitBehavior::merged_with_previous},
      {"merged_with_next", SplitBehavior::merged_with_next},
      {"contiguous", SplitBehavior::contiguous}};
  const auto rows = nlohmann::json::parse(
      read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/tokenizer/behaviors.json"));
  ASSERT_GT(rows.size(), 500u);
  for (const auto& row : rows) {
    TokenizerSpec spec;
    PreTokenizerStep split = split_step(row["pattern"]);
    split.invert = row["invert"];
    for (const auto& [name, behavior] : behaviors) {
      if (row["behavior"] == name) split.behavior = behavior;
    }
    spec.pre_tokenizers.push_back(split);
    EXPECT_EQ(pieces_of(Pretokenizer(spec), row["text"].get<std::string>()),
              row["pieces"].get<std::vector<std::string>>())
        << row.dump();
  }
}

// Catches: matching that reads a whole run again for each of its characters. A quadratic matcher would need
// 10^12 steps here.
TEST(Pretokenizer, LongRunsAreLinear) {
  TokenizerSpec spec;
  spec.pre_tokenizers.push_back(split_step(
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"));
  const Pretokenizer pretokenizer(spec);
  for (const char* part : {"a", " ", "\n", "1", "!", "' ", "é", "한"}) {
    std::string text;
    while (text.size() < 1'000'000) text += part;
    size_t size = 0;
    pretokenizer.split(text, true, [&](std::string_view piece) { size += piece.size(); });
    EXPECT_EQ(size, text.size()) << part;
  }
}

// Catches: a pattern that means something else in PCRE2 and is run all the same.
TEST(Regex, WhatTheEnginesReadDifferentlyIsRefused) {
  const auto error_of = [](const char* pattern) -> std::string {
    try {
      Regex(pattern, "FILE: pattern");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  for (const char* pattern : {R"(\p{N}{1,3}+)", R"(\R)", R"(\X)", R"([[:alpha:]])", "[a", R"(\p{L)", "(",
                              R"(\p{Nonsense})", "[&&a]", R"(\u00)"}) {
    EXPECT_TRUE(error_of(pattern).starts_with("FILE: pattern: ")) << pattern << ": " << error_of(pattern);
  }
  EXPECT_TRUE(error_of(std::string(100, '[').c_str()).starts_with("FILE: pattern: a class nested"));
  for (const char* pattern : {R"(\\w)", R"([\]\[])", R"(\p{L}+)", R"(a{1,3})", R"(\x{41}+)"})
    EXPECT_EQ(error_of(pattern), "accepted") << pattern;
}

// Catches: classes that PCRE2 reads differently, operators inside classes, characters newer than PCRE2's
// tables. The verdicts are Oniguruma's (Hugging Face tokenizers 0.23.3).
TEST(Regex, ClassesAreOnigurumas) {
  const auto matches = [](const char* pattern, std::string_view text) {
    size_t begin = 0, end = 0;
    return Regex(pattern, "pattern").find(text, 0, begin, end) && begin == 0 && end == text.size();
  };
  EXPECT_TRUE(matches(R"(\w+)", "aé한_9\u00b2\u0301"));
  EXPECT_FALSE(matches(R"(\w)", "\u200d"));
  EXPECT_FALSE(matches(R"(\h)", " "));
  EXPECT_TRUE(matches(R"(\h+)", "09afAF"));
  EXPECT_FALSE(matches(R"(\s)", "\u180e"));
  EXPECT_TRUE(matches(R"([^\S]+)", " \u3000\u0085"));
  EXPECT_TRUE(matches(R"([\w&&[^\p{L}]]+)", "12_"));
  EXPECT_FALSE(matches(R"([\w&&[^\p{L}]])", "a"));
  EXPECT_TRUE(matches(R"([^a-y&&[a-z]])", "A"));
  EXPECT_FALSE(matches(R"([^a-y&&[a-z]])", "b"));
  EXPECT_TRUE(matches(R"([^a-y&&[a-z]])", "z"));
  EXPECT_TRUE(matches(R"([x[^a-z]]+)", "x1"));
  EXPECT_FALSE(matches(R"([x[^a-z]])", "y"));
  EXPECT_TRUE(matches(R"(\bab\b)", "ab"));
  EXPECT_TRUE(matches(R"(\p{S})", "\U0001fae8"));  // Unicode 15
  EXPECT_FALSE(matches(R"(\P{L})", "\U00031350"));
  EXPECT_FALSE(matches(R"([\w])", "\u00b2"));
  EXPECT_TRUE(matches(R"(\p{Han}+)", "漢\U00031350"));
  EXPECT_FALSE(matches(R"(\p{Han})", "\u3001"));  // of the script's extensions only
}

// Catches: a pattern that backtracks without end instead of an error.
TEST(Regex, MatchLimit) {
  const Regex regex(R"((?:a|aa)+[xy]z)", "pattern");
  size_t begin, end;
  EXPECT_THROW(regex.find(std::string(4000, 'a') + "qz", 0, begin, end), Error);
}

}  // namespace
}  // namespace cohort
