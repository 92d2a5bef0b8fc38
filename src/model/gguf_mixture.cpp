#include "model/gguf_mixture.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace cohort {
namespace {

constexpr GgufMixture kMixtures[] = {
    {"f32", Encoding::f32, 0, false},     {"f16", Encoding::f16, 1, false},
    {"bf16", Encoding::bf16, 32, false},  {"q8_0", Encoding::q8_0, 7, false},
    {"q4_0", Encoding::q4_0, 2, false},   {"q4_1", Encoding::q4_1, 3, false},
    {"q5_0", Encoding::q5_0, 8, false},   {"q5_1", Encoding::q5_1, 9, false},
    {"q4_k_m", Encoding::q4_k, 15, true}, {"q5_k_m", Encoding::q5_k, 17, true},
    {"q6_k", Encoding::q6_k, 18, false},
};

bool fits(Encoding encoding, int64_t width) { return width % encoding_info(encoding).block_values == 0; }

// A type of smaller blocks that holds at least as much, or F16.
Encoding fitting(Encoding encoding, int64_t width) {
  if (fits(encoding, width)) return encoding;
  Encoding smaller = Encoding::f16;
  if (encoding == Encoding::q4_k) smaller = Encoding::q5_0;
  if (encoding == Encoding::q5_k) smaller = Encoding::q5_1;
  if (encoding == Encoding::q6_k) smaller = Encoding::q8_0;
  return fits(smaller, width) ? smaller : Encoding::f16;
}

// The first and the last eighth of the layers, and every third between.
bool important(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

}  // namespace

const GgufMixture& gguf_mixture(std::string_view name) {
  std::string lower(name), names;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const GgufMixture& m : kMixtures) {
    if (m.name == lower) return m;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", m.name);
  }
  fail("a GGUF file of type {} cannot be written; the types are {}", name, names);
}

Encoding gguf_encoding(const GgufMixture& mixture, const ModelConfig& config, const std::string& name,
                       const std::vector<int64_t>& shape) {
  if (shape.size() < 2) return Encoding::f32;
  const int64_t width = shape.back();
  Encoding encoding = mixture.encoding;
  if (encoding == Encoding::f32 || encoding == Encoding::f16 || encoding == Encoding::bf16) return encoding;
  // The head, or the embedding where it is the head too.
  if (name == "output.weight" || (config.tie_word_embeddings && name == "token_embd.weight"))
    return fitting(fits(encoding, width) && encoding != Encoding::q8_0 ? Encoding::q6_k : Encoding::q8_0,
                   width);
  int64_t layer = 0;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  const bool values = name.find("attn_v.weight") != std::string::npos,
             down = name.find("ffn_down") != std::string::npos;
  if (mixture.more_bits && (values || down) && important(layer, config.num_hidden_layers))
    encoding = Encoding::q6_k;
  // llama-quantize takes models of 80 layers for the 70B ones, whose few value heads it spends a bit more on.
  const bool large =
      config.num_hidden_layers == 80 &&
      (config.model_type == "qwen2" ||
       (config.model_type == "llama" && config.num_attention_heads != config.num_key_value_heads));
  if (values && large && encoding == Encoding::q4_k) encoding = Encoding::q5_k;
  return fitting(encoding, width);
}

}  // namespace cohort
