#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "model/config_json.h"
#include "tensor/gguf.h"

namespace cohort {
namespace {

// The double that a person wrote before it was stored as float: 1e-5, not 9.99999974e-06.
double decimal(double stored_as_float) {
  const std::string text = fmt::format("{}", static_cast<float>(stored_as_float));
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_rope(const GgufFile& file, const std::string& arch, ModelConfig* c) {
  const auto key = [&](const char* name) { return arch + ".rope." + name; };
  if (file.find(key("freq_base"))) c->rope_theta = decimal(file.number(key("freq_base")));
  if (file.find(key("dimension_count")) && file.integer(key("dimension_count")) != c->head_dim)
    fail("{}: metadata '{}': rotating a part of each head ({} of {}) is not supported", file.path(),
         key("dimension_count"), file.integer(key("dimension_count")), c->head_dim);
  const std::string type = file.find(key("scaling.type"))   ? file.string(key("scaling.type"))
                           : file.find(key("scale_linear")) ? "linear"
                                                            : "none";
  if (type == "linear") {
    const std::string factor = key(file.find(key("scaling.factor")) ? "scaling.factor" : "scale_linear");
    c->rope_scaling.factor = decimal(file.number(factor));
    if (c->rope_scaling.factor != 1) c->rope_scaling.kind = RopeScaling::Kind::linear;
  } else if (type == "yarn") {
    const auto said = [&](const char* name, double otherwise) {
      return file.find(key(name)) ? decimal(file.number(key(name))) : otherwise;
    };
    RopeScaling& s = c->rope_scaling;
    s.kind = RopeScaling::Kind::yarn;
    s.factor = said("scaling.factor", 1);
    s.original_max_position_embeddings = file.find(key("scaling.original_context_length"))
                                             ? file.integer(key("scaling.original_context_length"))
                                             : c->max_position_embeddings;
    s.attention_factor = said("scaling.attn_factor", 1) * yarn_attention_factor(s.factor);
    s.beta_fast = said("scaling.yarn_beta_fast", 32);
    s.beta_slow = said("scaling.yarn_beta_slow", 1);
  } else if (type != "none") {
    fail(
        "{}: metadata '{}': rope scaling '{}' is not supported; supported are none, linear, yarn and llama3's "
        "frequency factors",
        file.path(), key("scaling.type"), type);
  }
}

// rope_freqs.weight divides each frequency. Converters write it for llama3 scaling with the parameters that
// all Llama 3.x share (low 1, high 4, original context 8192 where the metadata do not say); anything else is
// refused. Cohort's own files say the parameters (rope.scaling.llama3.*).
void read_rope_factors(const GgufFile& file, const std::string& arch, ModelConfig* c) {
  const GgufTensor* tensor = file.find_tensor("rope_freqs.weight");
  if (!tensor) return;
  const auto half = static_cast<size_t>(c->head_dim / 2);
  if (tensor->encoding != Encoding::f32 || tensor->shape != std::vector<int64_t>{c->head_dim / 2})
    fail("{}: tensor 'rope_freqs.weight': expected {} F32 values", file.path(), half);
  std::vector<float> factors(half);
  dequantize(tensor->encoding, tensor->bytes, factors.data());
  const float largest = *std::max_element(factors.begin(), factors.end());
  if (std::all_of(factors.begin(), factors.end(), [](float f) { return f == 1; })) return;

  RopeScaling scaling;
  scaling.kind = RopeScaling::Kind::llama3;
  const auto said = [&](const char* name, double otherwise) {
    const std::string key = arch + ".rope.scaling.llama3." + name;
    return file.find(key) ? decimal(file.number(key)) : otherwise;
  };
  scaling.factor = said("factor", decimal(largest));
  scaling.low_freq_factor = said("low_freq_factor", 1);
  scaling.high_freq_factor = said("high_freq_factor", 4);
  const std::string context = arch + ".rope.scaling.original_context_length";
  if (file.find(context)) scaling.original_max_position_embeddings = file.integer(context);
  bool same = c->rope_scaling.kind == RopeScaling::Kind::none && largest > 1 && std::isfinite(largest);
  if (same) {
    const std::vector<float> plain = rope_frequencies(c->head_dim, c->rope_theta, {});
    const std::vector<float> scaled = rope_frequencies(c->head_dim, c->rope_theta, scaling);
    for (size_t i = 0; i < half; ++i)
      same = same && std::abs(scaled[i] * factors[i] - plain[i]) <= 1e-4f * plain[i];
  }
  if (!same)
    fail(
        "{}: tensor 'rope_freqs.weight': these frequency factors are not those of llama3 rope scaling with "
        "factor {}, "
        "low_freq_factor {}, high_freq_factor {} and original context {}; other factors are not supported",
        file.path(), scaling.factor, scaling.low_freq_factor, scaling.high_freq_factor, scaling.original_max_position_embeddings);
  c->rope_scaling = scaling;
}

int32_t special_token(const GgufFile& file, const char* key) {
  if (!file.find(key)) return -1;
  const int64_t id = file.integer(key);
  if (id < -1 || id > INT32_MAX)
    fail("{}: metadata '{}': expected a token id, found {}", file.path(), key, id);
  return static_cast<int32_t>(id);
}

}  // namespace

ModelConfig gguf_config(const GgufFile& file) {
  const std::string arch = file.string("general.architecture");
  if (arch != "llama" && arch != "qwen2" && arch != "qwen3")
    fail("{}: metadata 'general.architecture': '{}' is not supported; supported are llama, qwen2, qwen3",
         file.path(), arch);
  const auto key = [&](const char* name) { return arch + "." + name; };
  const auto integer_or = [&](const char* name, int64_t otherwise) {
    return file.find(key(name)) ? file.integer(key(name)) : otherwise;
  };
  const GgufTensor* embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    fail("{}: tensor 'token_embd.weight' (vocabulary x width) is missing", file.path());
  if (integer_or("expert_count", 0) > 0)
    fail("{}: metadata '{}': mixtures of experts are not supported", file.path(), key("expert_count"));

  ModelConfig c;
  c.model_type = arch;
  c.vocab_size = embedding->shape[0];
  c.hidden_size = file.integer(key("embedding_length"));
  c.intermediate_size = file.integer(key("feed_forward_length"));
  c.num_hidden_layers = file.integer(key("block_count"));
  c.num_attention_heads = file.integer(key("attention.head_count"));
  c.num_key_value_heads = integer_or("attention.head_count_kv", c.num_attention_heads);
  if (c.num_attention_heads < 1)
    fail("{}: metadata '{}': expected 1 or more, found {}", file.path(), key("attention.head_count"),
         c.num_attention_heads);
  c.head_dim = integer_or("attention.key_length", c.hidden_size / c.num_attention_heads);
  if (integer_or("attention.value_length", c.head_dim) != c.head_dim)
    fail("{}: metadata '{}': expected attention.key_length ({}), found {}", file.path(),
         key("attention.value_length"), c.head_dim, file.integer(key("attention.value_length")));
  c.max_position_embeddings = integer_or("context_length", 2048);
  c.rms_norm_eps = decimal(file.number(key("attention.layer_norm_rms_epsilon")));
  const int64_t window = integer_or("attention.sliding_window", 0);
  if (window > 0 && window < c.max_position_embeddings)
    fail("{}: metadata '{}': sliding-window attention ({}) is not supported", file.path(),
         key("attention.sliding_window"), window);
  c.tie_word_embeddings = !file.find_tensor("output.weight");
  c.attention_bias = arch == "qwen2" || file.find_tensor("blk.0.attn_q.bias");
  c.attention_out_bias = arch != "qwen2" && c.attention_bias;
  c.mlp_bias = arch == "llama" && file.find_tensor("blk.0.ffn_gate.bias");
  c.qk_norm = arch == "qwen3";
  c.bos_token_id = special_token(file, "tokenizer.ggml.bos_token_id");
  c.pad_token_id = special_token(file, "tokenizer.ggml.padding_token_id");
  for (const char* name : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const int32_t id = special_token(file, name);
    if (id >= 0 && std::find(c.eos_token_ids.begin(), c.eos_token_ids.end(), id) == c.eos_token_ids.end())
      c.eos_token_ids.push_back(id);
  }
  read_rope(file, arch, &c);
  c.check(file.path());
  read_rope_factors(file, arch, &c);
  c.check(file.path());
  return c;
}

}  // namespace cohort
