// What a tokenizer is, free of the file it came from: read from a tokenizer.json or a GGUF's metadata,
// written as a tokenizer.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cohort {

class GgufFile;

// A token that is found in the text before the model sees it.
struct AddedToken {
  int32_t id = -1;
  std::string content;
  bool special = false;  // left out by decode(skip_whole_tokens)
  bool lstrip = false;   // takes the white space on its left, on its right
  bool rstrip = false;
  bool single_word = false;  // only where no letter, digit or _ touches it
  bool normalized = false;   // looked for after normalisation
};

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// One cut of the text by a pattern. `behavior` says what becomes of the matches.
struct Split {
  std::string pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // the matches are what lies between
};

struct TokenizerSpec {
  enum class Model {
    bpe,        // byte-level: tokens are spelt in GPT-2's alphabet of bytes
    word_level  // every piece that the splits leave is a token
  };
  Model model = Model::bpe;
  std::vector<std::string> vocab;                   // tokens of the model by id
  std::vector<std::pair<int32_t, int32_t>> merges;  // best first
  std::vector<int32_t> merged;                      // the token that each merge makes
  bool ignore_merges = false;                       // a piece that is a token is not built from merges
  std::string unk_token;                            // empty: none
  bool fuse_unk = false;
  std::vector<AddedToken> added;  // in order of ids; those at vocab.size() and above follow without holes

  bool nfc = false;
  std::vector<Split> splits;
  bool add_prefix_space = false;  // the ByteLevel pre-tokenizer's, after the splits
  bool use_regex = false;         // GPT-2's own pattern, last of all
  std::vector<int32_t> prefix;    // the post-processor's tokens before and after a text
  std::vector<int32_t> suffix;

  std::string bos_token, eos_token, pad_token, chat_template;  // tokenizer_config.json's; empty: none
};

// GPT-2's pattern, which a ByteLevel pre-tokenizer with use_regex means.
extern const char* const kGpt2Pattern;

// Errors name `where` (the file) and the place inside.
TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& where);
// The fields of tokenizer_config.json and special_tokens_map.json that a spec holds.
void apply_tokenizer_config(TokenizerSpec& spec, std::string_view json, const std::string& where);
std::string tokenizer_json_of(const TokenizerSpec& spec);
std::string tokenizer_config_of(const TokenizerSpec& spec);

TokenizerSpec tokenizer_spec_of(const GgufFile& file);
TokenizerSpec character_spec(std::string_view alphabet, const std::vector<std::string>& whole_tokens,
                             const std::string& eos_token);

// Sets spec.merges and spec.merged from pairs of tokens, which with their join must be in spec.vocab.
void set_merges(TokenizerSpec& spec, const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                const std::string& where);
// The two tokens of "left right".
std::pair<std::string_view, std::string_view> split_merge(std::string_view merge, size_t index,
                                                          const std::string& where);

// Checks that the added tokens, sorted by id, repeat tokens of the vocabulary or follow it without a hole.
void check_added_tokens(TokenizerSpec& spec, const std::string& where);

}  // namespace cohort
