// What tokenizer_config.json makes of a tokenizer, and how added tokens are spelt: as transformers opens the
// same files (tools/make_tokenizer_config_fixtures.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace cohort {
namespace {

struct OpenedCase {
  std::string name;
  Tokenizer tokenizer;
  nlohmann::json texts;
};

std::vector<OpenedCase> opened_cases() {
  const auto document =
      nlohmann::json::parse(read_file(COHORT_SOURCE_DIR "/tests/fixtures/tokenizer/config_cases.json"));
  std::vector<OpenedCase> cases;
  for (const auto& c : document)
    cases.push_back({c["name"],
                     Tokenizer::from_files({{"tokenizer.json", c["tokenizer"].dump()},
                                            {"tokenizer_config.json", c["config"].dump()}},
                                           c["name"].get<std::string>()),
                     c["texts"]});
  return cases;
}

// Faults: flags of added_tokens_decoder that give way to tokenizer.json's, a special token that loses that, one
// that the config names and that does not become one; split_special_tokens ignored; a "▁" before a text whose
// beginning a normaliser took away.
TEST(TokenizerConfig, IdsAreTransformers) {
  const std::vector<OpenedCase> cases = opened_cases();
  EXPECT_GE(cases.size(), 13u);
  for (const OpenedCase& c : cases)
    for (const auto& row : c.texts)
      EXPECT_EQ(c.tokenizer.encode(row["text"].get<std::string>(), true),
                row["ids"].get<std::vector<int32_t>>())
          << c.name << ": " << row["text"];
}

// Faults: added tokens that are left as they are spelt, where the decoder makes spaces and bytes of them; other
// tokens left out as special ones.
TEST(TokenizerConfig, DecodingIsTransformers) {
  for (const OpenedCase& c : opened_cases()) {
    for (const auto& row : c.texts) {
      const auto ids = row["ids"].get<std::vector<int32_t>>();
      const std::string whole = c.tokenizer.decode(ids, false);
      EXPECT_EQ(replace_invalid_utf8(whole), row["decoded"].get<std::string>()) << c.name << ": " << row["text"];
      EXPECT_EQ(replace_invalid_utf8(c.tokenizer.decode(ids, true)), row["skipped"].get<std::string>())
          << c.name << ": " << row["text"];
      if (c.name.ends_with("metaspace")) continue;  // there a text's first token loses its space
      std::string streamed;
      for (const int32_t id : ids) streamed += c.tokenizer.token_bytes(id);
      EXPECT_EQ(streamed, whole) << c.name << ": " << row["text"];
    }
  }
}

// Faults: what a template gets as a token's name is what the token decodes to.
TEST(TokenizerConfig, TokensAreNamedAsTheVocabularySpellsThem) {
  const OpenedCase c = std::move(opened_cases().front());
  for (const char* name : {"a", "▁▁", "<0x41>", "k▁y", "</s>"})
    EXPECT_EQ(c.tokenizer.token(c.tokenizer.token_id(name)), name);
}

}  // namespace
}  // namespace cohort
