#include "text/tokenizer.h"

#include <algorithm>
#include <optional>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/add_tokens.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/probe_texts.h"
#include "text/tokenizer_gguf_write.h"
#include "text/tokenizer_spec.h"
#include "text/unigram.h"

namespace cohort {
namespace {

// What belongs to a tokenizer in a folder; each is carried along where it is there.
constexpr const char* kFiles[] = {"tokenizer.json",
                                  "tokenizer.model",
                                  "tokenizer_config.json",
                                  "special_tokens_map.json",
                                  "added_tokens.json",
                                  "vocab.json",
                                  "merges.txt",
                                  "chat_template.jinja",
                                  "chat_template.json"};

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerSpec from, std::vector<std::pair<std::string, std::string>> from_files = {});

  int32_t id_of(std::string_view token) const {
    const auto found = ids.find(token);
    return found == ids.end() ? -1 : found->second;
  }
  void encode_piece(std::string_view text, std::string_view piece, Bpe::Scratch& scratch,
                    std::vector<int32_t>& out) const;

  TokenizerSpec spec;
  std::vector<std::pair<std::string, std::string>> files;  // name and bytes, of a folder
  std::vector<std::string> bytes;                          // by id: what a token stands for
  std::vector<char> special;                               // by id
  std::unordered_map<std::string_view, int32_t> ids;       // tokens as the vocabulary spells them
  AddedTokenMatcher added, added_normalized;
  Normalizer normalizer;
  Pretokenizer pretokenizer;
  Decoder decoder;
  std::vector<std::string> first_bytes;  // by id, where a token that begins a text stands for something else
  std::optional<Bpe> bpe;
  std::optional<Unigram> unigram;
  std::unordered_map<std::string_view, int32_t> words;  // word_level: the model's tokens
  int32_t eos = -1, bos = -1, pad = -1, unk = -1;
};

Tokenizer::Impl::Impl(TokenizerSpec from, std::vector<std::pair<std::string, std::string>> from_files)
    : spec(std::move(from)),
      files(std::move(from_files)),
      normalizer(spec.normalizers),
      pretokenizer(spec),
      decoder(spec.decoders) {
  for (const std::string& token : spec.vocab) bytes.push_back(decoder.token(token, false));
  if (decoder.first_differs()) {
    for (const std::string& token : spec.vocab) first_bytes.push_back(decoder.token(token, true));
  }
  special.resize(bytes.size());
  for (size_t id = 0; id < spec.vocab.size(); ++id) ids.emplace(spec.vocab[id], static_cast<int32_t>(id));
  if (spec.model == TokenizerSpec::Model::bpe) {
    bpe.emplace(spec);
  } else if (spec.model == TokenizerSpec::Model::unigram) {
    unigram.emplace(spec);
  } else {
    words = ids;
    unk = id_of(spec.unk_token);
  }
  // Named tokens are special even where tokenizer.json does not say so (transformers adds them).
  std::unordered_set<std::string> known;
  for (const AddedToken& token : spec.added) known.insert(token.content);
  std::vector<std::string> named = {spec.bos_token, spec.eos_token, spec.pad_token};
  named.insert(named.end(), spec.special_tokens.begin(), spec.special_tokens.end());
  for (const std::string& name : named) {
    const int32_t id = name.empty() ? -1 : id_of(name);
    if (id < 0 || !known.insert(name).second) continue;
    AddedToken token;
    token.id = id;
    token.content = name;
    token.special = true;
    spec.added.push_back(std::move(token));
  }
  // An added token, normalised where it is looked for so, is decoded like any other, but for byte-level
  // tokenizers: there it is text, and decoding gives back what was encoded. (Hugging Face's decoder reads an
  // added "ö" as the byte 0xF6, which is no text.)
  std::vector<std::pair<AddedToken, std::string>> plain, normalized;
  for (const AddedToken& token : spec.added) {
    const auto id = static_cast<size_t>(token.id);
    if (id >= bytes.size()) {
      COHORT_CHECK(id == bytes.size(), "added token {} after {} tokens", id, bytes.size());
      bytes.emplace_back();
      special.push_back(0);
    }
    bool first = false;
    const std::string content = token.normalized ? normalizer.apply(token.content, first) : token.content;
    bytes[id] = spec.byte_level() ? token.content : decoder.token(content, false);
    if (!first_bytes.empty()) {
      first_bytes.resize(bytes.size());
      first_bytes[id] = decoder.token(content, true);
    }
    special[id] = token.special;
    ids.emplace(token.content, token.id);
    if (!content.empty()) (token.normalized ? normalized : plain).emplace_back(token, content);
  }
  added = AddedTokenMatcher(std::move(plain), spec.split_special);
  added_normalized = AddedTokenMatcher(std::move(normalized), spec.split_special);
  bos = spec.bos_token.empty() ? -1 : id_of(spec.bos_token);
  eos = spec.eos_token.empty() ? -1 : id_of(spec.eos_token);
  pad = spec.pad_token.empty() ? -1 : id_of(spec.pad_token);
}

void Tokenizer::Impl::encode_piece(std::string_view text, std::string_view piece, Bpe::Scratch& scratch,
                                   std::vector<int32_t>& out) const {
  if (bpe) return bpe->encode(piece, scratch, out);
  if (unigram) return unigram->encode(piece, out);
  const auto word = words.find(piece);
  if (word == words.end() && unk < 0) {
    const std::string character =
        fmt::format("\"{}\" (U+{:04X})", piece, static_cast<uint32_t>(next_utf8(piece).code));
    const std::less<const char*> before;
    if (before(piece.data(), text.data()) ||
        !before(piece.data(), text.data() + text.size())) {  // in normalised text
      fail("the tokenizer has no token for {}", character);
    }
    const auto characters =
        std::count_if(text.data(), piece.data(), [](char c) { return (c & 0xC0) != 0x80; });
    fail("the tokenizer has no token for {}, character {} of the text", character, characters + 1);
  }
  out.push_back(word == words.end() ? unk : word->second);
}

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(const Tokenizer&) = default;
Tokenizer& Tokenizer::operator=(const Tokenizer&) = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const char* name : kFiles) {
    if (std::filesystem::exists(folder / name)) files.emplace_back(name, read_file(folder / name));
  }
  return from_files(std::move(files), folder);
}

Tokenizer Tokenizer::from_files(std::vector<std::pair<std::string, std::string>> files,
                                const std::filesystem::path& folder) {
  const auto text_of = [&](std::string_view name) -> const std::string* {
    for (const auto& [file, bytes] : files) {
      if (file == name) return &bytes;
    }
    return nullptr;
  };
  const std::string *json = text_of("tokenizer.json"), *model = text_of("tokenizer.model");
  if (!json && !model) fail("{}: neither tokenizer.json nor tokenizer.model in this folder", folder.string());
  TokenizerSpec spec = json ? parse_tokenizer_json(*json, (folder / "tokenizer.json").string())
                            : parse_sentencepiece(*model, (folder / "tokenizer.model").string());
  if (const std::string* jinja = text_of("chat_template.jinja"))
    spec.chat_template = *jinja;  // goes before the one in the config
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (const std::string* config = text_of(name))
      apply_tokenizer_config(spec, *config, (folder / name).string());
  }
  resolve_flags(spec);
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_shared<const Impl>(std::move(spec), std::move(files));
  return tokenizer;
}

Tokenizer Tokenizer::from_gguf(const GgufFile& file) {
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_shared<const Impl>(tokenizer_spec_of(file));
  return tokenizer;
}

Tokenizer Tokenizer::characters(std::string_view alphabet, const std::vector<std::string>& whole_tokens,
                                const std::string& eos_token) {
  Tokenizer tokenizer;
  tokenizer.impl_ = std::make_shared<const Impl>(character_spec(alphabet, whole_tokens, eos_token));
  return tokenizer;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  const Impl& self = *impl_;
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = replace_invalid_utf8(text);
  std::vector<int32_t> out;
  if (add_special_tokens) out = self.spec.prefix;
  Bpe::Scratch scratch;
  const auto encode_text = [&](std::string_view part, bool first) {
    self.pretokenizer.split(part, first,
                            [&](std::string_view piece) { self.encode_piece(text, piece, scratch, out); });
  };
  const auto encode_normal = [&](std::string_view part, bool first) {
    if (self.added_normalized.empty()) return encode_text(part, first);
    self.added_normalized.split(part, [&](std::string_view stretch, int32_t id) {
      if (id >= 0) {
        out.push_back(id);
      } else {
        encode_text(stretch, first && stretch.data() == part.data());
      }
    });
  };
  self.added.split(text, [&](std::string_view stretch, int32_t id) {
    bool first = stretch.data() == text.data();
    if (id >= 0) {
      out.push_back(id);
    } else if (self.normalizer.empty()) {
      encode_normal(stretch, first);
    } else {
      const std::string normal = self.normalizer.apply(stretch, first);
      encode_normal(normal, first);
    }
  });
  if (add_special_tokens) out.insert(out.end(), self.spec.suffix.begin(), self.spec.suffix.end());
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::string text;
  bool first = true;
  for (const int32_t id : ids) {
    const std::string& bytes = token_bytes(id);
    const auto at = static_cast<size_t>(id);
    if (skip_special_tokens && impl_->special[at]) continue;
    text += first && !impl_->first_bytes.empty() ? impl_->first_bytes[at] : bytes;
    first = false;
  }
  return impl_->decoder.whole(std::move(text));
}

const std::string& Tokenizer::token_bytes(int32_t id) const {
  if (id < 0 || id >= size())
    fail("token id {} is outside the vocabulary, whose ids are 0 .. {}", id, size() - 1);
  return impl_->bytes[static_cast<size_t>(id)];
}

const std::string& Tokenizer::token(int32_t id) const {
  if (id >= 0 && id < std::ssize(impl_->spec.vocab)) return impl_->spec.vocab[static_cast<size_t>(id)];
  for (const AddedToken& token : impl_->spec.added)
    if (token.id == id) return token.content;
  return token_bytes(id);  // which fails
}

bool Tokenizer::is_special(int32_t id) const {
  token_bytes(id);
  return impl_->special[static_cast<size_t>(id)];
}

int32_t Tokenizer::token_id(std::string_view token) const { return impl_->id_of(token); }
int64_t Tokenizer::size() const { return static_cast<int64_t>(impl_->bytes.size()); }
int32_t Tokenizer::eos_token_id() const { return impl_->eos; }
int32_t Tokenizer::bos_token_id() const { return impl_->bos; }
int32_t Tokenizer::pad_token_id() const { return impl_->pad; }
const std::map<std::string, std::string>& Tokenizer::named_tokens() const { return impl_->spec.named_tokens; }
const std::string& Tokenizer::chat_template() const { return impl_->spec.chat_template; }

int32_t Tokenizer::write_gguf(int64_t vocab_size, GgufWriter& file) const {
  return write_gguf_vocabulary(impl_->spec, vocab_size, file);
}

TokenizerDifferences Tokenizer::differences_from(const Tokenizer& other) const {
  std::vector<std::string> texts = probe_texts();
  std::mt19937 random(5);
  const auto any_token = [&] {
    return token_bytes(static_cast<int32_t>(random() % static_cast<uint64_t>(size())));
  };
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int n = 0; n < 8; ++n) text += any_token();
    texts.push_back(std::move(text));
  }
  const size_t plain = texts.size();
  const auto& added = impl_->spec.added;
  for (size_t i = 0; i < plain && !added.empty(); ++i)
    texts.push_back("x" + texts[i] + added[random() % added.size()].content + texts[random() % plain]);
  // What is found whole in a text: added tokens, and SentencePiece's user-defined symbols.
  std::vector<std::string> whole;
  for (const Impl* tokenizer : {impl_.get(), other.impl_.get()})
    for (const AddedToken& token : tokenizer->spec.added) whole.push_back(token.content);
  for (const int32_t id : impl_->spec.whole) whole.push_back(impl_->spec.vocab[static_cast<size_t>(id)]);

  TokenizerDifferences found;
  for (const std::string& text : texts) {
    std::vector<int32_t> own;
    try {
      own = encode(text, true);
    } catch (const Error&) {  // a character without a token
      continue;
    }
    const std::vector<int32_t> theirs = other.encode(text, true);
    if (own == theirs) continue;
    std::string* place = &found.plain;
    if (std::any_of(whole.begin(), whole.end(),
                    [&](const std::string& token) { return text.find(token) != std::string::npos; }))
      place = &found.added;
    else if (text == " " || (text.starts_with(' ') && own == other.encode(text.substr(1), true)))
      place = &found.leading;
    if (place->empty())
      *place = fmt::format("{} is cut into the tokens {}, and by the other into {}", json_text(text),
                           fmt::join(own, " "), fmt::join(theirs, " "));
  }
  return found;
}

std::string Tokenizer::description() const {
  const TokenizerSpec& spec = impl_->spec;
  std::string kind = "one token per character";
  if (spec.model == TokenizerSpec::Model::unigram) kind = "unigram";
  if (spec.model == TokenizerSpec::Model::bpe)
    kind = spec.byte_level() ? "byte-level BPE" : spec.byte_fallback ? "BPE with byte tokens" : "BPE";
  kind += fmt::format(", {} tokens", size());
  if (!spec.merges.empty()) kind += fmt::format(", {} merges", spec.merges.size());
  if (!spec.added.empty()) kind += fmt::format(", {} added", spec.added.size());
  return kind;
}

Tokenizer Tokenizer::with_tokens(const std::vector<std::string>& tokens, bool special,
                                 const std::filesystem::path& source) const {
  return from_files(with_added_tokens(files(), tokens, special, static_cast<int32_t>(size()), source.string()), source);
}

std::vector<std::pair<std::string, std::string>> Tokenizer::files() const {
  if (!impl_->files.empty()) return impl_->files;
  return {{"tokenizer.json", tokenizer_json_of(impl_->spec)}, {"tokenizer_config.json", tokenizer_config_of(impl_->spec)}};
}

void Tokenizer::save(const std::filesystem::path& folder) const {
  for (const auto& [name, bytes] : files()) write_new_file(folder / name, bytes);
}

}  // namespace cohort
