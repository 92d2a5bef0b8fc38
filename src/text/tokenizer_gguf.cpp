// A GGUF's vocabulary (tokenizer.ggml.*) as a specification: kinds gpt2 (byte-level BPE), gemma4 (BPE of
// text), llama (SentencePiece BPE) and t5 (SentencePiece unigram).
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/check.h"
#include "base/utf8.h"
#include "tensor/gguf.h"
#include "text/characters.h"
#include "text/charsmap.h"
#include "text/gguf_pre_tokenizers.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

// The token whose id stands under `key`, -1 where there is none.
int32_t id_of(const GgufFile& file, const char* key, size_t size) {
  if (!file.find(key)) return -1;
  const int64_t id = file.integer(key);
  if (id < 0 || id >= static_cast<int64_t>(size))
    fail("{}: {}: expected an id below {}, found {}", file.path(), key, size, id);
  return static_cast<int32_t>(id);
}

bool flag_of(const GgufFile& file, const char* key, bool otherwise) {
  return file.find(key) ? file.boolean(key) : otherwise;
}

// An array with one value per token, or nothing where the file has none.
template <class T>
std::vector<T> per_token(const GgufFile& file, const char* key, size_t size,
                         std::vector<T> (GgufFile::*read)(std::string_view) const) {
  if (!file.find(key)) return {};
  std::vector<T> values = (file.*read)(key);
  if (values.size() != size)
    fail("{}: {}: expected {} values, one per token, found {}", file.path(), key, size, values.size());
  return values;
}

void read_vocab(const GgufFile& file, TokenizerSpec& spec) {
  spec.vocab = file.strings("tokenizer.ggml.tokens");
  if (spec.vocab.empty()) fail("{}: tokenizer.ggml.tokens: no tokens", file.path());
  std::unordered_set<std::string_view> seen;
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (!is_valid_utf8(spec.vocab[id])) fail("{}: tokenizer.ggml.tokens[{}]: not UTF-8", file.path(), id);
    if (!seen.insert(spec.vocab[id]).second)
      fail("{}: tokenizer.ggml.tokens[{}]: \"{}\" occurs twice", file.path(), id, spec.vocab[id]);
  }
}

void read_merges(const GgufFile& file, TokenizerSpec& spec) {
  const std::vector<std::string> lines = file.strings("tokenizer.ggml.merges");
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  const std::string where = file.path() + ": tokenizer.ggml";
  for (size_t i = 0; i < lines.size(); ++i) merges.push_back(split_merge(lines[i], i, where));
  set_merges(spec, merges, where);
}

// Kinds gpt2 and gemma4; whether a text begins with BOS where the file does not say.
bool read_bpe(const GgufFile& file, const std::string& kind, TokenizerSpec& spec) {
  const std::string pre = kind == "gemma4"                  ? "gemma4"
                          : file.find("tokenizer.ggml.pre") ? file.string("tokenizer.ggml.pre")
                                                            : "default";
  const GgufPreTokenizer* family = find_gguf_pre_tokenizer(pre);
  if (!family) {
    fail("{}: tokenizer.ggml.pre: \"{}\" is not supported (supported: {})", file.path(), pre,
         gguf_pre_tokenizer_names());
  }
  for (const std::string_view pattern : family->patterns)
    spec.pre_tokenizers.push_back(split_step(std::string(pattern)));
  spec.gguf_pre = pre;
  spec.ignore_merges = family->ignore_merges;
  if (family->nfc) spec.normalizers.emplace_back().kind = NormalizerStep::Kind::nfc;
  if (family->byte_level) {
    spec.pre_tokenizers.push_back(byte_level_step(false));
    spec.decoders.emplace_back().kind = DecoderStep::Kind::byte_level;
  } else {
    spec.normalizers.push_back(replace_normalizer(" ", std::string(kMetaspace)));
    spec.decoders = sentencepiece_decoders(false);
    spec.byte_fallback = true;
  }
  read_merges(file, spec);
  return family->add_bos;
}

// Kind llama, as llama.cpp cuts it: a space before each stretch of text between special tokens.
void read_spm(const GgufFile& file, const std::vector<int32_t>& types, TokenizerSpec& spec) {
  const std::vector<float> scores =
      per_token(file, "tokenizer.ggml.scores", spec.vocab.size(), &GgufFile::floats);
  if (scores.empty()) fail("{}: tokenizer.ggml.scores: missing", file.path());
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id]))
      fail("{}: tokenizer.ggml.scores[{}]: expected a number, found {}", file.path(), id, scores[id]);
  }
  std::vector<char> mergeable(spec.vocab.size(), 1);
  for (size_t id = 0; id < types.size(); ++id)
    mergeable[id] = types[id] == kPieceNormal || types[id] == kPieceUserDefined || types[id] == kPieceUnused;
  set_scored_merges(spec, scores, mergeable);
  spec.scores.assign(scores.begin(), scores.end());
  const bool prefix = flag_of(file, "tokenizer.ggml.add_space_prefix", true);
  if (prefix) spec.normalizers.push_back(prepend_normalizer(std::string(kMetaspace)));
  spec.normalizers.push_back(replace_normalizer(" ", std::string(kMetaspace)));
  spec.decoders = sentencepiece_decoders(prefix);
  spec.byte_fallback = true;
  spec.fuse_unk = true;
}

// Kind t5: SentencePiece's normalisation, as Hugging Face tokenizers spells it.
void read_unigram(const GgufFile& file, TokenizerSpec& spec) {
  spec.model = TokenizerSpec::Model::unigram;
  spec.fuse_unk = true;
  const std::vector<float> scores =
      per_token(file, "tokenizer.ggml.scores", spec.vocab.size(), &GgufFile::floats);
  if (scores.empty()) fail("{}: tokenizer.ggml.scores: missing", file.path());
  spec.scores.assign(scores.begin(), scores.end());
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id]))
      fail("{}: tokenizer.ggml.scores[{}]: expected a number, found {}", file.path(), id, scores[id]);
  }
  if (file.find("tokenizer.ggml.precompiled_charsmap")) {
    NormalizerStep step;
    step.kind = NormalizerStep::Kind::precompiled;
    for (const int32_t byte : file.int32s("tokenizer.ggml.precompiled_charsmap"))
      step.content.push_back(static_cast<char>(byte));
    Charsmap(step.content, file.path() + ": tokenizer.ggml.precompiled_charsmap");
    spec.normalizers.push_back(std::move(step));
  }
  if (flag_of(file, "tokenizer.ggml.remove_extra_whitespaces", true)) {
    NormalizerStep strip;
    strip.kind = NormalizerStep::Kind::strip;
    spec.normalizers.push_back(strip);
    NormalizerStep runs = replace_normalizer(" {2,}", " ");
    runs.pattern.literal = false;
    spec.normalizers.push_back(runs);
  }
  PreTokenizerStep metaspace;
  metaspace.kind = PreTokenizerStep::Kind::metaspace;
  metaspace.replacement = kMetaspace;
  if (!flag_of(file, "tokenizer.ggml.add_space_prefix", true)) metaspace.prepend = PrependScheme::never;
  spec.pre_tokenizers.push_back(metaspace);
  DecoderStep decoder;
  decoder.kind = DecoderStep::Kind::metaspace;
  decoder.replacement = kMetaspace;
  decoder.prepend = metaspace.prepend;
  spec.decoders.push_back(decoder);
}

// Control, user-defined and unknown tokens are found in a text, as llama.cpp does where it looks for any.
void read_added_tokens(const GgufFile& file, const std::vector<int32_t>& types, TokenizerSpec& spec) {
  std::string name = file.find("general.name") ? file.string("general.name") : "";
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  const bool phi3 = name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
  for (size_t id = 0; id < types.size(); ++id) {
    const bool special = types[id] == kPieceControl || types[id] == kPieceUnknown;
    if ((!special && types[id] != kPieceUserDefined) || spec.vocab[id].empty()) continue;
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.content = spec.vocab[id];
    token.special = special;
    // The file does not say so, but Phi-3's tokens take the white space after them.
    token.rstrip = phi3 && token.content != "<s>" && token.content != "<|endoftext|>";
    spec.added.push_back(std::move(token));
  }
  check_added_tokens(spec, file.path());
}

}  // namespace

TokenizerSpec tokenizer_spec_of(const GgufFile& file) {
  const std::string kind = file.string("tokenizer.ggml.model");
  TokenizerSpec spec;
  read_vocab(file, spec);
  const size_t size = spec.vocab.size();
  const std::vector<int32_t> types = per_token(file, "tokenizer.ggml.token_type", size, &GgufFile::int32s);
  bool add_bos = kind == "llama";
  if (kind == "gpt2" || kind == "gemma4") {
    add_bos = read_bpe(file, kind, spec);
  } else if (kind == "llama") {
    read_spm(file, types, spec);
  } else if (kind == "t5") {
    read_unigram(file, spec);
  } else {
    fail("{}: tokenizer.ggml.model: \"{}\" is not supported (supported: gpt2, gemma4, llama, t5)",
         file.path(), kind);
  }
  read_added_tokens(file, types, spec);

  const int32_t bos = id_of(file, "tokenizer.ggml.bos_token_id", size),
                eos = id_of(file, "tokenizer.ggml.eos_token_id", size),
                unk = id_of(file, "tokenizer.ggml.unknown_token_id", size),
                pad = id_of(file, "tokenizer.ggml.padding_token_id", size);
  if (bos >= 0) spec.bos_token = spec.vocab[static_cast<size_t>(bos)];
  if (eos >= 0) spec.eos_token = spec.vocab[static_cast<size_t>(eos)];
  if (pad >= 0) spec.pad_token = spec.vocab[static_cast<size_t>(pad)];
  if (unk >= 0) spec.named_tokens.emplace("unk_token", spec.vocab[static_cast<size_t>(unk)]);
  if (unk >= 0 && !spec.byte_level()) spec.unk_token = spec.vocab[static_cast<size_t>(unk)];
  if (bos >= 0 && flag_of(file, "tokenizer.ggml.add_bos_token", add_bos)) spec.prefix.push_back(bos);
  if (eos >= 0 && flag_of(file, "tokenizer.ggml.add_eos_token", kind == "t5")) spec.suffix.push_back(eos);
  if (file.find("tokenizer.chat_template")) {
    spec.chat_template = file.string("tokenizer.chat_template");
    if (!is_valid_utf8(spec.chat_template)) fail("{}: tokenizer.chat_template: not UTF-8", file.path());
  }
  return spec;
}

}  // namespace cohort
