// Broken tokenizer.json files: each must give an error that names the file and the place.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

using nlohmann::json;

const std::string kText =
    read_file(std::string(COHORT_SOURCE_DIR) + "/tests/fixtures/tokenizer/llama3/tokenizer.json");

std::string error_of(const std::string& text) {
  try {
    parse_tokenizer_json(text, "FILE");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// What parsing says after `edit` changed the good document.
std::string error_after(const std::function<void(json&)>& edit) {
  json document = json::parse(kText);
  edit(document);
  return error_of(document.dump());
}

// Catches: a check that is missing or that names the wrong place.
TEST(TokenizerJson, BrokenFilesAreNamed) {
  const json good = json::parse(kText);
  const int64_t size = static_cast<int64_t>(good["model"]["vocab"].size());
  ASSERT_EQ(error_of(kText), "accepted");
  const std::pair<std::string, std::function<void(json&)>> rows[] = {
      {"FILE: model: missing", [](json& d) { d.erase("model"); }},
      {"FILE: model: expected an object", [](json& d) { d["model"] = 3; }},
      {"FILE: model.vocab: missing", [](json& d) { d["model"].erase("vocab"); }},
      {"FILE: model.vocab: no tokens", [](json& d) { d["model"]["vocab"] = json::object(); }},
      {"FILE: model.merges: missing", [](json& d) { d["model"].erase("merges"); }},
      {"FILE: model.vocab[\"!\"]: expected an id below", [&](json& d) { d["model"]["vocab"]["!"] = size; }},
      {"FILE: model.vocab[\"!\"]: expected an id below", [&](json& d) { d["model"]["vocab"]["!"] = 1e300; }},
      {"FILE: model.vocab[\"!\"]: expected an id below",
       [&](json& d) { d["model"]["vocab"]["!"] = UINT64_MAX; }},
      {"FILE: model.vocab[\"!\"]: expected an id below", [&](json& d) { d["model"]["vocab"]["!"] = -1; }},
      {"FILE: model.vocab[\"!\"]: expected an id below", [&](json& d) { d["model"]["vocab"]["!"] = "0"; }},
      {"have the same id 1", [](json& d) { d["model"]["vocab"]["!"] = 1; }},
      {"(ids must have no holes)", [](json& d) { d["model"]["vocab"].erase("!"); }},
      {"FILE: model: merges[0]: expected two tokens", [](json& d) { d["model"]["merges"][0] = "ab"; }},
      {"FILE: model: merges[2]: expected two tokens", [](json& d) { d["model"]["merges"][2] = "a b c"; }},
      {"FILE: model.merges[1]: expected \"left right\"", [](json& d) { d["model"]["merges"][1] = {"a"}; }},
      {"FILE: model.merges[1]: expected \"left right\"",
       [](json& d) {
         d["model"]["merges"][1] = {"a", 1};
       }},
      {"FILE: model: merges[1]: an empty token",
       [](json& d) {
         d["model"]["merges"][1] = {"", "a"};
       }},
      {"is not in the vocabulary",
       [](json& d) {
         d["model"]["merges"][1] = {"a", "nowhere"};
       }},
      {"\"!Q\" is not in the vocabulary",
       [](json& d) {
         d["model"]["merges"][1] = {"!", "Q"};
       }},
      {"FILE: model: WordPiece is not supported (supported: BPE, Unigram, WordLevel)",
       [](json& d) { d["model"]["type"] = "WordPiece"; }},
      {"FILE: model.vocab: expected an array", [](json& d) { d["model"]["type"] = "Unigram"; }},
      {"FILE: model.vocab[1]: expected [\"token\", score], found [\"b\"]",
       [](json& d) {
         d["model"] =
             json{{"type", "Unigram"}, {"vocab", json::array({json::array({"a", 0}), json::array({"b"})})}};
       }},
      {"FILE: model.unk_id: expected an id below 1, found 1",
       [](json& d) {
         d["model"] =
             json{{"type", "Unigram"}, {"unk_id", 1}, {"vocab", json::array({json::array({"a", 0})})}};
       }},
      {"FILE: model.byte_fallback: expected true or false", [](json& d) { d["model"]["byte_fallback"] = 1; }},
      {"FILE: model.end_of_word_suffix", [](json& d) { d["model"]["end_of_word_suffix"] = "</w>"; }},
      {"FILE: model.dropout: expected null or 0, found 0.1", [](json& d) { d["model"]["dropout"] = 0.1; }},
      {"FILE: model.unk_token: \"<unk>\" is not in", [](json& d) { d["model"]["unk_token"] = "<unk>"; }},
      {"FILE: added_tokens: expected an array", [](json& d) { d["added_tokens"] = 1; }},
      {"FILE: added_tokens[0].id: missing", [](json& d) { d["added_tokens"][0].erase("id"); }},
      {"FILE: added_tokens[1].content: missing", [](json& d) { d["added_tokens"][1].erase("content"); }},
      {"FILE: added_tokens[1].id: expected a token id, found -5",
       [](json& d) { d["added_tokens"][1]["id"] = -5; }},
      {"FILE: added_tokens[1].id: expected a token id",
       [](json& d) { d["added_tokens"][1]["id"] = 1ull << 40; }},
      {"ids must have no holes", [](json& d) { d["added_tokens"][2]["id"] = 2000000000; }},
      {"which is \"!\" in the vocabulary", [](json& d) { d["added_tokens"][1]["id"] = 0; }},
      {"FILE: added_tokens: two tokens have the id",
       [](json& d) { d["added_tokens"][1]["id"] = d["added_tokens"][0]["id"]; }},
      {"has two ids", [](json& d) { d["added_tokens"][1]["content"] = d["added_tokens"][0]["content"]; }},
      {"is empty", [](json& d) { d["added_tokens"][1]["content"] = ""; }},
      {"FILE: normalizer: BertNormalizer is not supported (supported: NFC",
       [](json& d) {
         d["normalizer"] = {{"type", "BertNormalizer"}};
       }},
      {"FILE: normalizer.type: missing", [](json& d) { d["normalizer"] = json::object(); }},
      {"FILE: normalizer.pattern: an empty pattern",
       [](json& d) {
         d["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}};
       }},
      {"FILE: normalizer.content: expected at most 1024 bytes",
       [](json& d) {
         d["normalizer"] = {
             {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(2000, 'x')}};
       }},
      {"FILE: normalizer.precompiled_charsmap: not base64",
       [](json& d) {
         d["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "a-b"}};
       }},
      {"FILE: normalizer.precompiled_charsmap: the charsmap's trie takes 4294967295 bytes of 2",
       [](json& d) {
         d["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "/////wAA"}};
       }},
      {"FILE: pre_tokenizer.pretokenizers[0]: UnicodeScripts is not supported (supported: Split, Digits, "
       "Punctuation, Whitespace",
       [](json& d) { d["pre_tokenizer"]["pretokenizers"][0]["type"] = "UnicodeScripts"; }},
      {"FILE: pre_tokenizer.replacement: expected one character, found \"ab\"",
       [](json& d) {
         d["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "ab"}};
       }},
      {"FILE: pre_tokenizer.prepend_scheme: expected one of always, first, never, found \"last\"",
       [](json& d) {
         d["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}};
       }},
      {"FILE: pre_tokenizer.pretokenizers[0].behavior: expected one of Removed",
       [](json& d) { d["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Cut"; }},
      {"FILE: pre_tokenizer.pretokenizers[0].pattern.Regex: missing",
       [](json& d) { d["pre_tokenizer"]["pretokenizers"][0]["pattern"] = json::object(); }},
      {"FILE: post_processor.processors[1]: MyProcessing is not supported",
       [](json& d) {
         d["post_processor"]["processors"][1] = {{"type", "MyProcessing"}};
       }},
      {"FILE: post_processor.processors[1].cls[1]: expected the id of a token, found 99999",
       [](json& d) {
         d["post_processor"]["processors"][1] = {
             {"type", "BertProcessing"}, {"cls", {"a", 99999}}, {"sep", {"b", 0}}};
       }},
      {"special_tokens.<|im_start|>: missing",
       [](json& d) { d["post_processor"]["processors"][1]["special_tokens"] = json::object(); }},
      {"expected the id of a token, found 99999",
       [](json& d) {
         d["post_processor"]["processors"][1]["special_tokens"]["<|im_start|>"]["ids"] = {99999};
       }},
      {"single: the text is missing",
       [](json& d) { d["post_processor"]["processors"][1]["single"].erase(1); }},
      {"FILE: decoder: missing", [](json& d) { d["decoder"] = nullptr; }},
      {"FILE: decoder: WordPiece is not supported (supported: ByteLevel, ByteFallback, Fuse",
       [](json& d) {
         d["decoder"] = {{"type", "WordPiece"}};
       }},
      {"nested too deeply",
       [](json& d) {
         for (int i = 0; i < 100; ++i)
           d["pre_tokenizer"] = json{{"type", "Sequence"}, {"pretokenizers", {d["pre_tokenizer"]}}};
       }},
  };
  for (const auto& [expected, edit] : rows) {
    const std::string message = error_after(edit);
    EXPECT_NE(message.find(expected), std::string::npos) << "expected " << expected << "\nfound " << message;
    EXPECT_TRUE(message.starts_with("FILE: ")) << message;
  }
}

// Catches: a torn file that is taken for a smaller one.
TEST(TokenizerJson, TruncatedAnywhere) {
  const size_t end = kText.find_last_of('}');
  for (size_t size = 0; size <= end; size += size < 200 || size + 200 > end ? 1 : 61) {
    const std::string message = error_of(kText.substr(0, size));
    EXPECT_TRUE(message.starts_with("FILE: not valid JSON: ")) << size << ": " << message;
  }
}

// Catches: recursion in reading or freeing what is nested.
TEST(TokenizerJson, DeepNesting) {
  const std::string open(2'000'000, '['), close(2'000'000, ']');
  EXPECT_TRUE(error_of(open).starts_with("FILE: not valid JSON: "));
  EXPECT_TRUE(error_of(open + close).ends_with("nested deeper than 1000")) << error_of(open + close);
  EXPECT_TRUE(error_of("{\"model\": {\"vocab\": " + open + close + "}}").starts_with("FILE: not valid JSON: "));
  EXPECT_EQ(error_of("[[[]]]"), "FILE: expected an object");
}

// Catches: a byte changed anywhere that crashes, instead of being read or refused with an Error (any other
// exception fails the test).
TEST(TokenizerJson, FlippedBytes) {
  uint64_t state = 7;
  for (int round = 0; round < 300; ++round) {
    std::string text = kText;
    for (int i = 0; i <= round % 3; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text[(state >> 20) % text.size()] = static_cast<char>(state >> 56);
    }
    const std::string message = error_of(text);
    EXPECT_TRUE(message == "accepted" || message.starts_with("FILE: ") ||
                message.find("pattern") != std::string::npos)
        << message;
  }
}

TEST(TokenizerConfig, WrongKindsAreNamed) {
  TokenizerSpec spec;
  const auto error = [&](const char* text) -> std::string {
    try {
      apply_tokenizer_config(spec, text, "CONFIG");
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(error("{\"eos_token\": 3}"), "CONFIG: eos_token: expected a string, found 3");
  EXPECT_EQ(error("{\"eos_token\": {}}"), "CONFIG: eos_token.content: missing");
  EXPECT_EQ(error("[]"), "CONFIG: expected an object");
  EXPECT_TRUE(error("{").starts_with("CONFIG: not valid JSON"));
  EXPECT_EQ(error("{\"chat_template\": [{\"name\": \"default\"}]}"),
            "CONFIG: chat_template[0].template: missing");
  EXPECT_EQ(error("{\"eos_token\": null, \"chat_template\": null}"), "accepted");
}

}  // namespace
}  // namespace cohort
