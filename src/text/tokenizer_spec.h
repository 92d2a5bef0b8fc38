// What a tokenizer is, free of the file it came from: read from a tokenizer.json, a SentencePiece model or a
// GGUF's metadata, written as a tokenizer.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

// A regular expression, or a text to be found as it is.
struct Pattern {
  std::string text;
  bool literal = false;
};

struct NormalizerStep {
  enum class Kind {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    strip,
    strip_accents,
    replace,
    prepend,
    precompiled,   // a SentencePiece charsmap as Hugging Face tokenizers apply it, cluster by cluster
    byte_level,    // every byte as a character of GPT-2's alphabet
    sentencepiece  // a charsmap and white space as SentencePiece itself does
  };
  Kind kind{};
  bool left = true, right = true;  // strip
  Pattern pattern;                 // replace
  std::string content;             // replace, prepend; the charsmap of precompiled and sentencepiece, or none
  // sentencepiece
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
  bool whitespace_as_suffix = false;
  bool prefix_once = false;       // no dummy prefix after an added token
  std::vector<std::string> kept;  // user-defined symbols: left as they are
};

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
enum class PrependScheme { always, first, never };

struct PreTokenizerStep {
  enum class Kind { split, byte_level, metaspace };
  Kind kind = Kind::split;
  // split: one cut of the text by a pattern. `behavior` says what becomes of the matches.
  Pattern pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // the matches are what lies between
  // byte_level
  bool add_prefix_space = false;
  bool use_regex = false;  // cut by GPT-2's own pattern
  // metaspace: spaces become `replacement`, which may be put before a piece; cut before each
  std::string replacement;
  PrependScheme prepend = PrependScheme::always;
  bool cut = true;
};

struct DecoderStep {
  enum class Kind { byte_level, byte_fallback, fuse, metaspace, strip, replace };
  Kind kind{};
  std::string replacement;  // metaspace
  PrependScheme prepend = PrependScheme::always;
  std::string content;  // strip (one character), replace
  int32_t start = 0, stop = 0;
  Pattern pattern;  // replace
};

// What a token of SentencePiece is; a GGUF's tokenizer.ggml.token_type has the same numbers.
enum PieceType : int32_t {
  kPieceNormal = 1,
  kPieceUnknown = 2,
  kPieceControl = 3,
  kPieceUserDefined = 4,
  kPieceUnused = 5,
  kPieceByte = 6
};

struct Merge {
  int32_t left, right, merged;
  uint32_t rank;  // the lowest goes first; of equal ones the leftmost
};

struct TokenizerSpec {
  enum class Model {
    bpe,
    unigram,
    word_level  // every piece that the splits leave is a token
  };
  Model model = Model::bpe;
  std::vector<std::string> vocab;  // tokens of the model by id
  std::string unk_token;           // empty: none
  bool byte_fallback = false;      // what is not in the vocabulary is spelt by tokens <0x00> ... <0xFF>
  bool fuse_unk = false;           // neighbouring unknown characters are one unknown token
  // bpe
  std::vector<Merge> merges;    // best first
  bool ignore_merges = false;   // a piece that is a token is not built from merges
  std::vector<int32_t> whole;   // SentencePiece: user-defined symbols, never merged
  std::vector<int32_t> unused;  // SentencePiece: taken apart again at the end
  std::string gguf_pre;         // of a GGUF file: its tokenizer.ggml.pre
  // unigram, and SentencePiece's BPE where the scores are known
  std::vector<double> scores;     // by id
  std::vector<int32_t> absent;    // tokens that no text is cut into (SentencePiece: control, bytes, unused)
  bool single_precision = false;  // scores are added in float32, as SentencePiece does

  std::vector<AddedToken> added;  // in order of ids; those at vocab.size() and above follow without holes
  bool split_special = false;     // special tokens in a text are text
  std::vector<NormalizerStep> normalizers;
  std::vector<PreTokenizerStep> pre_tokenizers;
  std::vector<DecoderStep> decoders;
  std::vector<int32_t> prefix;  // the post-processor's tokens before and after a text
  std::vector<int32_t> suffix;

  std::string bos_token, eos_token, pad_token, chat_template;  // tokenizer_config.json's; empty: none
  std::vector<std::string> special_tokens;                     // named by tokenizer_config.json besides those
  std::map<std::string, std::string> named_tokens;             // of these unk_token, sep_token, cls_token and mask_token
  bool named_by_config =
      false;  // of several files the first that names a token counts, but a model's own name last
  std::string tokenizer_class;
  std::optional<bool> add_bos, add_eos, legacy, use_prefix_space;

  // Pieces are bytes, and tokens are spelt in GPT-2's alphabet: the last pre-tokenizer of a BPE is ByteLevel.
  bool byte_level() const {
    return model == Model::bpe && !byte_fallback && !pre_tokenizers.empty() &&
           pre_tokenizers.back().kind == PreTokenizerStep::Kind::byte_level;
  }
};

// GPT-2's pattern, which a ByteLevel pre-tokenizer with use_regex means.
extern const char* const kGpt2Pattern;

// Steps, short.
NormalizerStep replace_normalizer(std::string from, std::string to);
NormalizerStep prepend_normalizer(std::string content);
PreTokenizerStep split_step(std::string regex);  // isolated
PreTokenizerStep byte_level_step(bool use_regex);
// "▁" becomes a space, bytes are put together; a leading space goes where `strip`.
std::vector<DecoderStep> sentencepiece_decoders(bool strip);

// Errors name `where` (the file) and the place inside.
TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& where);
// The fields of tokenizer_config.json and special_tokens_map.json that a spec holds.
void apply_tokenizer_config(TokenizerSpec& spec, std::string_view json, const std::string& where);
// Applies those flags as transformers 5 does: see docs/tokenizers.md.
void resolve_flags(TokenizerSpec& spec);
std::string tokenizer_json_of(const TokenizerSpec& spec);
std::string tokenizer_config_of(const TokenizerSpec& spec);

TokenizerSpec tokenizer_spec_of(const GgufFile& file);
// A SentencePiece tokenizer.model (a protobuf message ModelProto).
TokenizerSpec parse_sentencepiece(std::string_view bytes, const std::string& where);
TokenizerSpec character_spec(std::string_view alphabet, const std::vector<std::string>& whole_tokens,
                             const std::string& eos_token);

// Sets spec.merges from pairs of tokens, which with their join must be in spec.vocab.
void set_merges(TokenizerSpec& spec, const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                const std::string& where);
// Sets spec.merges to all pairs of tokens of `mergeable` (by id) whose join is another of them, the best
// score of the join first: SentencePiece's BPE. Work is bounded by the vocabulary's bytes.
void set_scored_merges(TokenizerSpec& spec, const std::vector<float>& scores,
                       const std::vector<char>& mergeable);
// The two tokens of "left right".
std::pair<std::string_view, std::string_view> split_merge(std::string_view merge, size_t index,
                                                          const std::string& where);

// Checks that the added tokens, sorted by id, repeat tokens of the vocabulary or follow it without a hole.
void check_added_tokens(TokenizerSpec& spec, const std::string& where);

}  // namespace cohort
