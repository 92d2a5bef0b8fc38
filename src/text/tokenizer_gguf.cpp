// A GGUF's vocabulary (tokenizer.ggml.*) as a specification. The file names its pre-tokenizer only, so the
// patterns stand here: those of the models' own tokenizer.json.
#include <unordered_set>

#include "base/check.h"
#include "tensor/gguf.h"
#include "text/tokenizer_spec.h"
#include "base/utf8.h"

namespace cohort {
namespace {

constexpr int32_t kControl = 3, kUserDefined = 4;  // tokenizer.ggml.token_type

struct Family {
  const char* pre;  // tokenizer.ggml.pre
  std::vector<const char*> patterns;
  bool use_regex;  // then GPT-2's pattern
  bool nfc;
  bool ignore_merges;
  bool add_bos;  // where the file does not say
};

const std::vector<Family>& families() {
  static const std::vector<Family> table = {
      {"gpt-2", {}, true, false, false, false},
      {"smollm", {R"(\p{N})"}, true, false, false, false},
      {"llama-bpe",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
       false,
       false,
       true,
       true},
      {"qwen2",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
       false,
       true,
       false,
       false},
      {"deepseek-coder",
       {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+",
        R"(\p{N})"},
       false,
       false,
       false,
       false},
  };
  return table;
}

const Family& family_of(const GgufFile& file) {
  const std::string pre = file.string("tokenizer.ggml.pre");
  std::string known;
  for (const Family& family : families()) {
    if (pre == family.pre) return family;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.pre);
  }
  fail("{}: tokenizer.ggml.pre: \"{}\" is not supported (supported: {})", file.path(), pre, known);
}

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

}  // namespace

TokenizerSpec tokenizer_spec_of(const GgufFile& file) {
  const std::string kind = file.string("tokenizer.ggml.model");
  if (kind != "gpt2")
    fail("{}: tokenizer.ggml.model: \"{}\" is not supported (supported: gpt2, which is byte-level BPE)",
         file.path(), kind);
  const Family& family = family_of(file);
  TokenizerSpec spec;
  for (const char* pattern : family.patterns)
    spec.splits.push_back({pattern, SplitBehavior::isolated, false});
  spec.use_regex = family.use_regex;
  spec.nfc = family.nfc;
  spec.ignore_merges = family.ignore_merges;

  spec.vocab = file.strings("tokenizer.ggml.tokens");
  if (spec.vocab.empty()) fail("{}: tokenizer.ggml.tokens: no tokens", file.path());
  std::unordered_set<std::string_view> seen;
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (!is_valid_utf8(spec.vocab[id])) fail("{}: tokenizer.ggml.tokens[{}]: not UTF-8", file.path(), id);
    if (!seen.insert(spec.vocab[id]).second)
      fail("{}: tokenizer.ggml.tokens[{}]: \"{}\" occurs twice", file.path(), id, spec.vocab[id]);
  }
  const std::vector<std::string> merge_lines = file.strings("tokenizer.ggml.merges");
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  const std::string where = file.path() + ": tokenizer.ggml";
  for (size_t i = 0; i < merge_lines.size(); ++i) merges.push_back(split_merge(merge_lines[i], i, where));
  set_merges(spec, merges, where);

  if (file.find("tokenizer.ggml.token_type")) {
    const std::vector<int32_t> types = file.int32s("tokenizer.ggml.token_type");
    if (types.size() != spec.vocab.size()) {
      fail("{}: tokenizer.ggml.token_type: expected {} values, one per token, found {}", file.path(),
           spec.vocab.size(), types.size());
    }
    for (size_t id = 0; id < types.size(); ++id) {
      if (types[id] != kControl && types[id] != kUserDefined) continue;
      AddedToken token;
      token.id = static_cast<int32_t>(id);
      token.content = spec.vocab[id];
      token.special = types[id] == kControl;
      spec.added.push_back(std::move(token));
    }
  }
  check_added_tokens(spec, file.path());

  const size_t size = spec.vocab.size();
  const int32_t bos = id_of(file, "tokenizer.ggml.bos_token_id", size),
                eos = id_of(file, "tokenizer.ggml.eos_token_id", size);
  const int32_t pad = id_of(file, "tokenizer.ggml.padding_token_id", size);
  if (bos >= 0) spec.bos_token = spec.vocab[static_cast<size_t>(bos)];
  if (eos >= 0) spec.eos_token = spec.vocab[static_cast<size_t>(eos)];
  if (pad >= 0) spec.pad_token = spec.vocab[static_cast<size_t>(pad)];
  if (bos >= 0 && flag_of(file, "tokenizer.ggml.add_bos_token", family.add_bos)) spec.prefix.push_back(bos);
  if (eos >= 0 && flag_of(file, "tokenizer.ggml.add_eos_token", false)) spec.suffix.push_back(eos);
  if (file.find("tokenizer.chat_template")) {
    spec.chat_template = file.string("tokenizer.chat_template");
    if (!is_valid_utf8(spec.chat_template)) fail("{}: tokenizer.chat_template: not UTF-8", file.path());
  }
  return spec;
}

}  // namespace cohort
