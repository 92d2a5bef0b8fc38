#include "text/tokenizer_gguf_write.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/log.h"
#include "text/byte_level.h"
#include "text/characters.h"
#include "text/gguf_pre_tokenizers.h"

namespace cohort {
namespace {

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;

  int32_t id_of(const std::string& token) const {
    const auto found = token.empty() ? tokens.end() : std::find(tokens.begin(), tokens.end(), token);
    return found == tokens.end() ? -1 : static_cast<int32_t>(found - tokens.begin());
  }
};

Vocabulary vocabulary_of(const TokenizerSpec& spec, int64_t vocab_size) {
  Vocabulary v{spec.vocab, std::vector<int32_t>(spec.vocab.size(), kPieceNormal)};
  // What spells a space as SentencePiece does is not found in a text as it stands.
  for (const int32_t id : spec.whole)
    if (spec.vocab[static_cast<size_t>(id)].find(kMetaspace) == std::string::npos)
      v.types[static_cast<size_t>(id)] = kPieceUserDefined;
  for (const int32_t id : spec.unused) v.types[static_cast<size_t>(id)] = kPieceUnused;
  if (spec.byte_fallback) {
    for (size_t id = 0; id < v.tokens.size(); ++id) {
      const std::string& t = v.tokens[id];
      if (t.size() == 6 && t.starts_with("<0x") && t.back() == '>') v.types[id] = kPieceByte;
    }
    if (const int32_t unk = v.id_of(spec.unk_token); unk >= 0)
      v.types[static_cast<size_t>(unk)] = kPieceUnknown;
  }
  for (const AddedToken& token : spec.added) {  // in order of ids, without holes
    const auto id = static_cast<size_t>(token.id);
    if (id >= v.tokens.size()) {
      v.tokens.push_back(token.content);
      v.types.push_back(kPieceNormal);
    }
    v.types[id] = token.special ? kPieceControl : kPieceUserDefined;
    if (token.lstrip || token.single_word || token.rstrip)
      log_warning("token \"{}\" is found with conditions (lstrip, rstrip, single_word) that GGUF cannot hold",
                  token.content);
  }
  const std::unordered_set<std::string_view> known(v.tokens.begin(), v.tokens.end());
  for (int64_t id = std::ssize(v.tokens); id < vocab_size; ++id) {
    std::string name = fmt::format("[PAD{}]", id);
    if (known.contains(name)) fail("the tokenizer has a token \"{}\", the name of an unused id", name);
    v.tokens.push_back(std::move(name));
    v.types.push_back(kPieceUnused);
  }
  return v;
}

// One token per character is byte-level BPE without merges where characters are bytes.
TokenizerSpec byte_level_of_characters(const TokenizerSpec& spec) {
  TokenizerSpec bytes = spec;
  bytes.model = TokenizerSpec::Model::bpe;
  bytes.gguf_pre = "gpt-2";
  std::unordered_set<int32_t> whole;
  for (const AddedToken& token : spec.added) whole.insert(token.id);
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (whole.contains(static_cast<int32_t>(id))) continue;
    if (spec.vocab[id].size() != 1)
      fail(
          "the tokenizer has one token for the character \"{}\", and GGUF's tokenizers begin with bytes; "
          "export a Hugging Face folder (--to hf)",
          spec.vocab[id]);
    bytes.vocab[id] = to_byte_level(spec.vocab[id]);
  }
  return bytes;
}

bool has_space_prefix(const TokenizerSpec& spec) {
  for (const NormalizerStep& step : spec.normalizers) {
    if (step.kind == NormalizerStep::Kind::prepend && step.content == kMetaspace) return true;
    if (step.kind == NormalizerStep::Kind::sentencepiece && step.add_dummy_prefix) return true;
  }
  for (const PreTokenizerStep& step : spec.pre_tokenizers)
    if (step.kind == PreTokenizerStep::Kind::metaspace && step.prepend != PrependScheme::never) return true;
  return false;
}

// Scores that make SentencePiece merge in the order of the ranks. It knows one score per token, so all
// merges that make the same token must follow one another.
std::vector<float> scores_of_merges(const TokenizerSpec& spec) {
  std::vector<float> scores(spec.vocab.size(), -1e6f);
  std::unordered_set<int32_t> seen;
  int32_t last = -1;
  for (const Merge& m : spec.merges) {
    if (m.merged == last) continue;
    last = m.merged;
    if (!seen.insert(last).second)
      fail(
          "the tokenizer's merges of \"{}\" have different ranks, and a GGUF file holds one score per token; "
          "export a Hugging Face folder (--to hf)",
          spec.vocab[static_cast<size_t>(last)]);
    scores[static_cast<size_t>(last)] = -static_cast<float>(seen.size());
  }
  return scores;
}

bool reads_as_sentencepiece(const TokenizerSpec& spec) {
  return spec.model == TokenizerSpec::Model::bpe && spec.byte_fallback;
}

// Whether a text begins (ends) with the token, which must be all that is put there.
bool adds(const std::vector<int32_t>& ids, int32_t token, const char* where) {
  if (ids.empty()) return false;
  if (ids.size() != 1 || ids[0] != token)
    fail(
        "the tokenizer puts tokens other than its {} token around a text, which GGUF cannot hold; export a "
        "Hugging Face folder (--to hf)",
        where);
  return true;
}

}  // namespace

int32_t write_gguf_vocabulary(const TokenizerSpec& given, int64_t vocab_size, GgufWriter& file) {
  const TokenizerSpec spec =
      given.model == TokenizerSpec::Model::word_level && given.unk_token.empty() && given.normalizers.empty()
          ? byte_level_of_characters(given)
          : given;
  const bool sentencepiece = reads_as_sentencepiece(spec);
  if (!sentencepiece && !spec.byte_level() && given.model != TokenizerSpec::Model::word_level)
    fail(
        "the tokenizer is neither byte-level BPE nor SentencePiece's BPE with byte tokens, the kinds that "
        "can be written to GGUF; export a Hugging Face folder (--to hf)");
  const Vocabulary v = vocabulary_of(spec, vocab_size);
  file.string("tokenizer.ggml.model", sentencepiece ? "llama" : "gpt2");
  const std::string pre = sentencepiece ? "default" : gguf_pre_name(spec);
  if (!sentencepiece && find_gguf_pre_tokenizer(pre)->ascii_case)
    log_warning(
        "llama.cpp's pre-tokenizer \"{}\" tells upper from lower case in ASCII alone and cuts words at combining "
        "marks: it cuts texts like \"\u0928\u092E\u0938\u094D\u0924\u0947\" otherwise than the model was trained on",
        pre);
  file.string("tokenizer.ggml.pre", pre);
  file.strings("tokenizer.ggml.tokens", v.tokens);
  if (sentencepiece) {
    std::vector<float> scores(v.tokens.size(), -1000.0f);
    const std::vector<float> own = spec.scores.empty()
                                       ? scores_of_merges(spec)
                                       : std::vector<float>(spec.scores.begin(), spec.scores.end());
    std::copy(own.begin(), own.end(), scores.begin());
    file.floats("tokenizer.ggml.scores", scores);
  }
  file.int32s("tokenizer.ggml.token_type", v.types);
  if (!sentencepiece) {
    std::vector<std::string> merges;
    for (const Merge& m : spec.merges)
      merges.push_back(spec.vocab[static_cast<size_t>(m.left)] + " " +
                       spec.vocab[static_cast<size_t>(m.right)]);
    file.strings("tokenizer.ggml.merges", merges);
  }
  int32_t bos = v.id_of(spec.bos_token);
  if (bos < 0 && spec.prefix.size() == 1) bos = spec.prefix[0];  // a tokenizer that does not name it
  const auto token = [&](const char* key, int32_t id) {
    if (id >= 0) file.uint32(key, static_cast<uint32_t>(id));
  };
  token("tokenizer.ggml.unknown_token_id", v.id_of(spec.unk_token));
  token("tokenizer.ggml.padding_token_id", v.id_of(spec.pad_token));
  file.boolean("tokenizer.ggml.add_bos_token", adds(spec.prefix, bos, "first"));
  file.boolean("tokenizer.ggml.add_eos_token", adds(spec.suffix, v.id_of(spec.eos_token), "end"));
  if (sentencepiece) file.boolean("tokenizer.ggml.add_space_prefix", has_space_prefix(spec));
  if (!spec.chat_template.empty()) file.string("tokenizer.chat_template", spec.chat_template);
  return bos;
}

}  // namespace cohort
