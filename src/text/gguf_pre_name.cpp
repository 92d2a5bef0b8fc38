// The name in tokenizer.ggml.pre that means what a byte-level tokenizer's own pre-tokenizers do: found by
// trying all of them on texts, as the same cuts are written in many ways.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/gguf_pre_tokenizers.h"
#include "text/pretokenizer.h"
#include "text/probe_texts.h"
#include "text/tokenizer_gguf_write.h"

namespace cohort {
namespace {

// Of names that mean the same the first is taken, or else the first in the alphabet.
constexpr std::array<std::string_view, 10> kUsual = {
    "llama-bpe",      "qwen2",       "smollm", "gpt-2",  "deepseek-llm",
    "deepseek-coder", "deepseek-v3", "tekken", "gpt-4o", "starcoder"};

std::vector<std::string> pieces_of(const Pretokenizer& pretokenizer, std::string_view text) {
  std::vector<std::string> pieces;
  pretokenizer.split(text, true, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

// Whether merges alone build every token of the vocabulary, so that ignore_merges changes nothing.
bool merges_build_all(const TokenizerSpec& spec) {
  TokenizerSpec plain;
  plain.vocab = spec.vocab;
  plain.merges = spec.merges;
  plain.pre_tokenizers = {byte_level_step(false)};
  const Bpe bpe(plain);
  Bpe::Scratch scratch;
  std::vector<char> added(spec.vocab.size());
  for (const AddedToken& token : spec.added)
    if (token.id < std::ssize(added)) added[static_cast<size_t>(token.id)] = 1;
  std::vector<int32_t> ids;
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    const std::optional<std::string> bytes = from_byte_level(spec.vocab[id]);
    if (added[id] || !bytes) continue;
    ids.clear();
    bpe.encode(*bytes, scratch, ids);
    if (ids.size() != 1 || ids[0] != static_cast<int32_t>(id)) return false;
  }
  return true;
}

}  // namespace

std::string gguf_pre_name(const TokenizerSpec& spec) {
  if (!spec.gguf_pre.empty()) return spec.gguf_pre;
  const std::vector<std::string> texts = probe_texts();
  const Pretokenizer own(spec);
  std::vector<std::vector<std::string>> expected;
  for (const std::string& text : texts) expected.push_back(pieces_of(own, text));
  const bool nfc = std::any_of(spec.normalizers.begin(), spec.normalizers.end(),
                               [](const NormalizerStep& s) { return s.kind == NormalizerStep::Kind::nfc; });

  std::vector<std::string_view> names(kUsual.begin(), kUsual.end());
  for (const std::string_view name : gguf_pre_tokenizer_list())
    if (std::find(kUsual.begin(), kUsual.end(), name) == kUsual.end()) names.push_back(name);
  std::string_view best;
  int best_rank = 4;
  for (const std::string_view name : names) {
    const GgufPreTokenizer& row = *find_gguf_pre_tokenizer(name);
    const int rank = 2 * (row.ignore_merges != spec.ignore_merges) + (row.nfc != nfc);
    if (!row.byte_level || rank >= best_rank) continue;
    TokenizerSpec candidate;
    for (const std::string_view pattern : row.patterns)
      candidate.pre_tokenizers.push_back(split_step(std::string(pattern)));
    candidate.pre_tokenizers.push_back(byte_level_step(false));
    const Pretokenizer pretokenizer(candidate);
    bool same = true;
    for (size_t i = 0; same && i < texts.size(); ++i) same = pieces_of(pretokenizer, texts[i]) == expected[i];
    if (same) best = name, best_rank = rank;
  }
  if (best.empty())
    fail(
        "the tokenizer cuts texts as none of llama.cpp's pre-tokenizers does, so a GGUF file cannot hold it; "
        "export a Hugging Face folder (--to hf)");
  if (best_rank >= 2 && !merges_build_all(spec))
    fail(
        "the tokenizer's ignore_merges is {}, which of llama.cpp's pre-tokenizers that cut alike none has "
        "(nearest: {}), so a GGUF file cannot hold it; export a Hugging Face folder (--to hf)",
        spec.ignore_merges, best);
  return std::string(best);
}

}  // namespace cohort
