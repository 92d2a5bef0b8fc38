// A model's own tokenizer: a Hugging Face tokenizer.json (BPE, unigram, word level), a SentencePiece
// tokenizer.model, or a GGUF file's vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

class GgufFile;
class GgufWriter;

// Of some hundred texts of all kinds the first that another tokenizer cuts otherwise, and what the two make of
// it; empty where there is none.
struct TokenizerDifferences {
  std::string plain;    // texts without added tokens
  std::string leading;  // those that begin with a space, where all is that the other puts one more before them
  std::string added;    // texts with added tokens inside
};

// Immutable after loading and safe to use from several threads; a copy shares the vocabulary.
class Tokenizer {
 public:
  Tokenizer();
  ~Tokenizer();
  Tokenizer(const Tokenizer&);
  Tokenizer& operator=(const Tokenizer&);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // tokenizer.json, or tokenizer.model where there is none (and tokenizer_config.json,
  // special_tokens_map.json where present) of a folder.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  // From such files by name and bytes; `where` is what errors call the folder.
  static Tokenizer from_files(std::vector<std::pair<std::string, std::string>> files,
                              const std::filesystem::path& where);
  // From a GGUF's metadata (tokenizer.ggml.*); saved as an equivalent tokenizer.json.
  static Tokenizer from_gguf(const GgufFile& file);
  // One token per character of `alphabet` (UTF-8), after the tokens that are kept whole (ids 0 ..), of which
  // the end token alone is special: the built-in tasks' tokenizer.
  static Tokenizer characters(std::string_view alphabet, const std::vector<std::string>& whole_tokens,
                              const std::string& eos_token);

  // Text to ids. Added and special tokens in the text become their ids, as in Hugging Face tokenizers. With
  // `add_special_tokens` the post-processor's tokens (BOS ...) are added as well. Bytes that are not UTF-8
  // are read as U+FFFD. What a BPE vocabulary lacks becomes byte tokens, its unknown token, or nothing where
  // there is none (SmolLM2 lacks 0x04, as Hugging Face has it); a character that characters() was not given
  // throws Error naming it and its place.
  std::vector<int32_t> encode(std::string_view text, bool add_special_tokens) const;
  // Ids to bytes, UTF-8 or not (a token may be part of a character; Utf8Stream emits whole ones). A
  // tokenizer that puts a space before a text takes it off again. Ids outside the vocabulary throw Error.
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const;
  // The bytes of one token (for streaming and stop strings).
  const std::string& token_bytes(int32_t id) const;
  // One token as the vocabulary spells it.
  const std::string& token(int32_t id) const;
  bool is_special(int32_t id) const;
  int32_t token_id(std::string_view token) const;  // -1 when there is none

  int64_t size() const;          // ids are 0 .. size - 1
  int32_t eos_token_id() const;  // -1: none
  int32_t bos_token_id() const;
  int32_t pad_token_id() const;
  // What its files call unk_token, sep_token, cls_token and mask_token.
  const std::map<std::string, std::string>& named_tokens() const;
  const std::string& chat_template() const;  // carried through, not executed; empty: none

  // Writes tokenizer.json, tokenizer_config.json (and what else was there) so that AutoTokenizer opens the
  // folder. Files that came from a folder are written byte for byte as they were.
  void save(const std::filesystem::path& folder) const;
  // The vocabulary of a GGUF file (tokenizer.ggml.*) for a model of `vocab_size` tokens, all but the ids of
  // the first and the end tokens; the one that texts begin with, or -1, is returned. Throws Error where the format cannot hold the tokenizer.
  int32_t write_gguf(int64_t vocab_size, GgufWriter& file) const;
  // With more tokens, which encode() finds in any text, under the ids size(), size() + 1, ... `special`: decoding
  // may leave them out. They must be new to it. Throws Error "SOURCE/...: ..." where its files have no
  // tokenizer.json.
  Tokenizer with_tokens(const std::vector<std::string>& tokens, bool special,
                        const std::filesystem::path& source) const;
  TokenizerDifferences differences_from(const Tokenizer& other) const;
  // What it is, in a few words: "byte-level BPE, 49152 tokens, 48900 merges".
  std::string description() const;

 private:
  std::vector<std::pair<std::string, std::string>> files() const;  // name and bytes, as save() writes them

  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cohort
