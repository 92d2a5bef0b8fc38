#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "base/log.h"
#include "model/config_json.h"
#include "model/convert_tensor.h"
#include "model/export.h"
#include "model/gguf_mixture.h"
#include "model/gguf_names.h"
#include "model/stored_weights.h"
#include "tensor/gguf.h"
#include "tensor/gguf_write.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

void refuse_what_llama_cpp_lacks(const ModelConfig& c, const std::string& source) {
  if (c.model_type != "llama" && c.rope_scaling.kind == RopeScaling::Kind::llama3)
    fail("{}: llama.cpp's {} models know no llama3 rope scaling", source, c.model_type);
  const RopeScaling& s = c.rope_scaling;
  if (c.fused_projections)
    fail("{}: {} models are not written as GGUF (Hugging Face's folders are)", source, c.model_type);
  if (s.kind == RopeScaling::Kind::longrope)
    fail("{}: longrope's rope scaling is not written as GGUF (Hugging Face's folders are, --to hf)", source);
  if (c.sliding_window > 0)
    fail("{}: llama.cpp's {} models know no sliding window ({})", source,
         c.model_type == "mistral" ? "llama" : c.model_type, c.sliding_window);
  if (s.kind == RopeScaling::Kind::yarn && (!s.truncate || s.attention_factor != yarn_attention_factor(s.factor)))
    fail("{}: this yarn scaling (attention_factor {}, truncate {}) is not the one that llama.cpp computes", source,
         s.attention_factor, s.truncate);
  if (c.model_type == "qwen3" && c.attention_out_bias)
    fail("{}: llama.cpp's qwen3 models have no bias behind the attention", source);
}

// What divides each frequency, as llama.cpp reads it.
std::vector<float> rope_factors(const ModelConfig& c) {
  std::vector<float> factors = rope_frequencies(c.head_dim, c.rope_theta, {});
  const std::vector<float> scaled = rope_frequencies(c.head_dim, c.rope_theta, c.rope_scaling);
  for (size_t i = 0; i < factors.size(); ++i) factors[i] /= scaled[i];
  return factors;
}

void write_rope(const ModelConfig& c, GgufWriter& file) {
  const auto key = [&](const char* name) { return c.model_type + ".rope." + name; };
  file.uint32(key("dimension_count"), static_cast<uint32_t>(c.head_dim));
  file.float32(key("freq_base"), c.rope_theta);
  const RopeScaling& s = c.rope_scaling;
  if (s.kind == RopeScaling::Kind::linear) {
    file.string(key("scaling.type"), "linear");
    file.float32(key("scaling.factor"), s.factor);
  }
  if (s.kind == RopeScaling::Kind::yarn) {
    file.string(key("scaling.type"), "yarn");
    file.float32(key("scaling.factor"), s.factor);
    file.uint32(key("scaling.original_context_length"), static_cast<uint32_t>(s.original_max_position_embeddings));
    file.float32(key("scaling.yarn_beta_fast"), s.beta_fast);
    file.float32(key("scaling.yarn_beta_slow"), s.beta_slow);
  }
  if (s.kind == RopeScaling::Kind::llama3) {
    // For llama.cpp the tensor rope_freqs.weight says it all; these say how it came about.
    file.uint32(key("scaling.original_context_length"),
                static_cast<uint32_t>(s.original_max_position_embeddings));
    file.float32(key("scaling.llama3.factor"), s.factor);
    file.float32(key("scaling.llama3.low_freq_factor"), s.low_freq_factor);
    file.float32(key("scaling.llama3.high_freq_factor"), s.high_freq_factor);
  }
}

void write_config(const ModelConfig& c, const std::string& name, const GgufMixture& mixture,
                  GgufWriter& file) {
  const auto number = [&](const char* key, int64_t value) {
    file.uint32(c.model_type + "." + key, static_cast<uint32_t>(value));
  };
  file.string("general.architecture", c.model_type);
  file.string("general.type", "model");
  if (!name.empty()) file.string("general.name", name);
  number("block_count", c.num_hidden_layers);
  number("context_length", c.max_position_embeddings);
  number("embedding_length", c.hidden_size);
  number("feed_forward_length", c.intermediate_size);
  number("vocab_size", c.vocab_size);
  number("attention.head_count", c.num_attention_heads);
  number("attention.head_count_kv", c.num_key_value_heads);
  number("attention.key_length", c.head_dim);
  number("attention.value_length", c.head_dim);
  file.float32(c.model_type + ".attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  write_rope(c, file);
  file.uint32("general.file_type", mixture.file_type);
  file.uint32("general.quantization_version", 2);
}

// The tokens that begin and end a text: of the model's end tokens the tokenizer's own first, then the others,
// as end of turn and end of message.
void write_ends(const Checkpoint& c, int32_t bos, GgufWriter& file) {
  if (bos < 0) bos = c.config.bos_token_id;
  if (bos >= 0) file.uint32("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(bos));
  std::vector<int32_t> ends = c.config.eos_token_ids;
  const auto named = std::find(ends.begin(), ends.end(), c.tokenizer.eos_token_id());
  if (named != ends.end()) std::rotate(ends.begin(), named, named + 1);
  static constexpr const char* kKeys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                          "tokenizer.ggml.eom_token_id"};
  if (ends.size() > std::size(kKeys))
    log_warning("GGUF holds {} end tokens; of the model's {} the last are left out", std::size(kKeys),
                ends.size());
  for (size_t i = 0; i < std::min(ends.size(), std::size(kKeys)); ++i)
    file.uint32(kKeys[i], static_cast<uint32_t>(ends[i]));
}

void check_tokenizer(const Checkpoint& c, const fs::path& file) {
  const Tokenizer back = Tokenizer::from_gguf(GgufFile(file));
  const TokenizerDifferences found = c.tokenizer.differences_from(back);
  if (!found.plain.empty())
    fail("{}: a GGUF file cannot hold this tokenizer: {}. Export a Hugging Face folder (--to hf)", c.source,
         found.plain);
  if (!found.leading.empty())
    log_warning("with a GGUF file, a text that begins with a space gets one more before it: {}", found.leading);
  if (!found.added.empty())
    log_warning("with a GGUF file, texts with special tokens inside are cut otherwise: {}", found.added);
}

// A half-written file goes when something throws.
struct Aside {
  fs::path path;
  ~Aside() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

}  // namespace

Exported export_gguf(const fs::path& model, const std::string& type, const fs::path& path) {
  const GgufMixture& mixture = gguf_mixture(type);
  const StoredModel opened = open_model(model);
  const Checkpoint& c = opened.checkpoint;
  const std::optional<GgufFile>& source = opened.gguf;
  const StoredWeights& stored = opened.weights;
  refuse_what_llama_cpp_lacks(c.config, c.source);

  GgufWriter file;
  const std::string name = source && source->find("general.name")
                               ? source->string("general.name")
                               : fs::absolute(model).lexically_normal().stem().string();
  write_config(c.config, name, mixture, file);
  write_ends(c, c.tokenizer.write_gguf(c.config.vocab_size, file), file);
  Aside aside{path.string() + ".tmp"};
  {  // the vocabulary alone, first: nobody waits for a file that cannot be
    GgufWriter vocabulary = file.metadata_only();
    vocabulary.begin(aside.path);
    vocabulary.finish();
    check_tokenizer(c, aside.path);
  }

  const bool factors = c.config.rope_scaling.kind == RopeScaling::Kind::llama3;
  if (factors) file.tensor("rope_freqs.weight", Encoding::f32, {c.config.head_dim / 2});
  const std::vector<Parameter> list = parameter_list(c.config);
  Exported exported;
  std::vector<Encoding> encodings;
  for (const Parameter& p : list) {
    const std::string as = gguf_name(p.name);
    encodings.push_back(gguf_encoding(mixture, c.config, as, p.shape));
    file.tensor(as, encodings.back(), p.shape);
    ++exported.tensors[encoding_info(encodings.back()).name];
  }
  exported.bytes = file.tensor_bytes();
  file.begin(aside.path);
  if (factors) {
    const std::vector<float> values = rope_factors(c.config);
    file.append({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }
  ConversionError matrices, vectors;
  bool again = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const StoredTensor& t = stored.tensors[i];
    const bool block = encoding_info(t.encoding).block_values > 1;
    // What is stored as wanted is copied: quantising it again would round once more.
    if (source && block && t.encoding == encodings[i]) {
      file.append(t.bytes);
      continue;
    }
    again = again || block;
    file.append(convert_tensor(list[i], t, encodings[i], gguf_permuted_heads(c.config, list[i].name),
                               list[i].shape.size() > 1 ? &matrices : &vectors));
  }
  file.finish();
  if (again && mixture.encoding != Encoding::f32)
    log_warning("{}: its weights are quantised already; what that rounded stays lost", c.source);
  if (matrices.squares > 0) exported.relative_error = std::sqrt(matrices.errors / matrices.squares);
  rename_synced(aside.path, path);
  exported.path = path.string();
  return exported;
}

}  // namespace cohort
