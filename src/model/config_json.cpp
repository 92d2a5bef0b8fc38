#include "model/config_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "model/config_fields.h"
#include "model/rope_json.h"

namespace cohort {
namespace {

using nlohmann::ordered_json;

// The transformers defaults that differ between families.
struct Family {
  const char* model_type;
  const char* reads_as;  // ModelConfig::model_type
  const char* architecture;
  int64_t kv_heads;  // 0: as many as attention heads
  int64_t head_dim;  // 0: hidden_size / heads
  int64_t max_positions;
};
constexpr Family kFamilies[] = {{"llama", "llama", "LlamaForCausalLM", 0, 0, 2048},
                                {"mistral", "llama", "MistralForCausalLM", 8, 0, 131072},
                                {"ministral", "llama", "MinistralForCausalLM", 8, 0, 131072},
                                {"qwen2", "qwen2", "Qwen2ForCausalLM", 32, 0, 32768},
                                {"qwen3", "qwen3", "Qwen3ForCausalLM", 32, 128, 32768},
                                {"phi3", "phi3", "Phi3ForCausalLM", 0, 0, 4096}};

// transformers' class with a head of num_labels outputs and no bias: a scalar head is one label.
constexpr const char* kScalarHead = "ForSequenceClassification";

int32_t token_id(const Fields& fields, const char* name, const ordered_json& value) {
  if (!value.is_number_integer() || value.is_number_float() || value > INT32_MAX || value < INT32_MIN)
    fields.wrong(name, "a token id", value);
  return std::max(-1, value.get<int32_t>());  // checkpoints in the wild say -1 for none
}

void read_special_tokens(const Fields& fields, ModelConfig* config) {
  const auto single = [&](const char* name, int32_t* id) {
    const ordered_json* value = fields.find(name);
    if (value && *id < 0) *id = token_id(fields, name, *value);
  };
  single("bos_token_id", &config->bos_token_id);
  single("pad_token_id", &config->pad_token_id);
  if (const ordered_json* eos = fields.find("eos_token_id")) {
    const ordered_json list = eos->is_array() ? *eos : ordered_json::array({*eos});
    auto& ids = config->eos_token_ids;
    for (const ordered_json& value : list) {
      const int32_t id = token_id(fields, "eos_token_id", value);
      if (id >= 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
  }
}

// transformers calls a mistral whose layers differ a ministral.
bool is_mistral(std::string_view type) { return type == "mistral" || type == "ministral"; }

// The window of attention and the layers that have it; a window that cuts nothing is none.
void read_sliding_window(const Fields& fields, const Family& family, ModelConfig* c) {
  const std::string type = family.model_type;
  int64_t window = 0, from = 0;  // layers `from` on, where layer_types does not say
  if (is_mistral(type)) window = fields.has_key("sliding_window") ? fields.integer("sliding_window", 0) : 4096;
  if (type == "phi3") window = fields.integer("sliding_window", 0);
  if ((type == "qwen2" || type == "qwen3") && fields.boolean("use_sliding_window", false)) {
    window = fields.has_key("sliding_window") ? fields.integer("sliding_window", 0) : 4096;
    from = fields.integer("max_window_layers", 28);
  }
  if (window < 0) fail("{}: 'sliding_window': expected a number of tokens, found {}", fields.where(), window);
  std::vector<bool> windowed(static_cast<size_t>(c->num_hidden_layers));
  for (size_t l = 0; l < windowed.size(); ++l) windowed[l] = static_cast<int64_t>(l) >= from;
  if (const ordered_json* layers = fields.find("layer_types"); layers) {
    if (!layers->is_array() || layers->size() != windowed.size())
      fields.wrong("layer_types", "a name for each layer", *layers);
    const bool by_layer = type != "phi3" && type != "llama";  // transformers' models of these two do not read it
    for (size_t l = 0; l < windowed.size(); ++l) {
      const ordered_json& layer = (*layers)[l];
      if (layer != "full_attention" && layer != "sliding_attention")
        fields.wrong("layer_types", "full_attention or sliding_attention in every layer", layer);
      if (layer == "sliding_attention" && window == 0)
        fields.wrong("layer_types", "no sliding_attention where there is no sliding_window", layer);
      if (by_layer) windowed[l] = layer == "sliding_attention";
    }
  }
  if (window == 0 || window >= c->max_position_embeddings ||
      std::none_of(windowed.begin(), windowed.end(), [](bool w) { return w; }))
    return;
  c->sliding_window = window;
  c->windowed_layers = windowed;
}

bool read_scalar_head(const Fields& fields) {
  const ordered_json* architectures = fields.find("architectures");
  if (!architectures || !architectures->is_array() || architectures->empty()) return false;
  const ordered_json& first = architectures->front();
  if (!first.is_string() || !first.get<std::string>().ends_with(kScalarHead)) return false;
  const ordered_json* names = fields.find("id2label");
  const int64_t labels = fields.integer("num_labels", names ? static_cast<int64_t>(names->size()) : 2);
  if (labels != 1)
    fail("{}: '{}' of {} labels: a value or reward model has one", fields.where(), kScalarHead, labels);
  return true;
}

ordered_json token_json(int32_t id) { return id < 0 ? ordered_json() : ordered_json(id); }

ordered_json eos_json(const std::vector<int32_t>& ids) {
  if (ids.empty()) return nullptr;
  return ids.size() == 1 ? ordered_json(ids[0]) : ordered_json(ids);
}

ordered_json fresh_config(const ModelConfig& c) {
  const auto* family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                    [&](const Family& f) { return c.model_type == f.model_type; });
  COHORT_CHECK(family != std::end(kFamilies), "model type '{}'", c.model_type);
  ordered_json j;
  const std::string architecture = family->architecture;
  j["architectures"] = {c.scalar_head ? architecture.substr(0, architecture.find("ForCausalLM")) + kScalarHead
                                      : architecture};
  if (c.scalar_head) {
    j["id2label"] = {{"0", "LABEL_0"}};
    j["label2id"] = {{"LABEL_0", 0}};
  }
  j["model_type"] = c.model_type;
  j["vocab_size"] = c.vocab_size;
  j["hidden_size"] = c.hidden_size;
  j["intermediate_size"] = c.intermediate_size;
  j["num_hidden_layers"] = c.num_hidden_layers;
  j["num_attention_heads"] = c.num_attention_heads;
  j["num_key_value_heads"] = c.num_key_value_heads;
  j["head_dim"] = c.head_dim;
  j["hidden_act"] = "silu";
  j["max_position_embeddings"] = c.max_position_embeddings;
  j["rms_norm_eps"] = c.rms_norm_eps;
  j["rope_theta"] = c.rope_theta;
  j["rope_scaling"] = rope_scaling_json(c.rope_scaling);
  j["tie_word_embeddings"] = c.tie_word_embeddings;
  j["attention_bias"] = c.attention_bias;
  if (c.model_type == "llama") j["mlp_bias"] = c.mlp_bias;
  j["attention_dropout"] = 0.0;
  j["bos_token_id"] = token_json(c.bos_token_id);
  j["eos_token_id"] = eos_json(c.eos_token_ids);
  j["pad_token_id"] = token_json(c.pad_token_id);
  if (c.sliding_window > 0) {
    j["sliding_window"] = c.sliding_window;
    const bool qwen = c.model_type == "qwen2" || c.model_type == "qwen3";
    if (qwen) {
      j["use_sliding_window"] = true;
      j["max_window_layers"] = 0;
    }
    if (qwen || std::ranges::find(c.windowed_layers, false) != c.windowed_layers.end())
      for (const bool windowed : c.windowed_layers)
        j["layer_types"].push_back(windowed ? "sliding_attention" : "full_attention");
  }
  j["use_cache"] = true;
  j["torch_dtype"] = "float32";
  return j;
}

}  // namespace

ModelConfig parse_config(const std::string& text, const std::string& source) {
  const ordered_json root = parse_object(text, source);
  const Fields fields(root, source);
  const std::string model_type = fields.string("model_type", "");
  const auto* family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                    [&](const Family& f) { return model_type == f.model_type; });
  if (family == std::end(kFamilies))
    fail("{}: 'model_type': '{}' is not supported; supported are llama, mistral, ministral, qwen2, qwen3, phi3", source,
         model_type);
  if (fields.find("quantization_config"))
    fail("{}: 'quantization_config': quantised Hugging Face checkpoints are not supported", source);
  if (fields.has_key("hidden_act") && !fields.find("hidden_act"))
    fail("{}: 'hidden_act': null is not supported; supported is silu", source);
  if (const std::string act = fields.string("hidden_act", "silu"); act != "silu")
    fail("{}: 'hidden_act': '{}' is not supported; supported is silu", source, act);

  ModelConfig c;
  c.model_type = family->reads_as;
  c.vocab_size = fields.integer("vocab_size");
  c.hidden_size = fields.integer("hidden_size");
  c.intermediate_size = fields.integer("intermediate_size");
  c.num_hidden_layers = fields.integer("num_hidden_layers");
  c.num_attention_heads = fields.integer("num_attention_heads");
  const bool null_kv = fields.has_key("num_key_value_heads") && !fields.find("num_key_value_heads");
  c.num_key_value_heads = fields.integer(
      "num_key_value_heads", null_kv || !family->kv_heads ? c.num_attention_heads : family->kv_heads);
  if (fields.find("head_dim") || family->head_dim) {
    c.head_dim = fields.integer("head_dim", family->head_dim);
  } else {
    if (c.num_attention_heads < 1 || c.hidden_size % c.num_attention_heads != 0)
      fail("{}: hidden_size ({}) is not a multiple of num_attention_heads ({}), and head_dim is missing",
           source, c.hidden_size, c.num_attention_heads);
    c.head_dim = c.hidden_size / c.num_attention_heads;
  }
  c.max_position_embeddings = fields.integer("max_position_embeddings", family->max_positions);
  c.rms_norm_eps = fields.number("rms_norm_eps", model_type == "phi3" ? 1e-5 : 1e-6);
  c.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  if (model_type == "qwen2") {
    c.attention_bias = true;
  } else if (!is_mistral(model_type) && model_type != "phi3") {
    c.attention_bias = c.attention_out_bias = fields.boolean("attention_bias", false);
  }
  c.mlp_bias = model_type == "llama" && fields.boolean("mlp_bias", false);
  c.qk_norm = model_type == "qwen3";
  c.scalar_head = read_scalar_head(fields);
  c.fused_projections = model_type == "phi3";
  read_rope(fields, &c);
  read_special_tokens(fields, &c);
  c.check(source);
  read_sliding_window(fields, *family, &c);
  if (c.sliding_window > 0) c.model_type = is_mistral(model_type) ? "mistral" : model_type;  // llama where there is no window
  return c;
}

void merge_generation_config(ModelConfig* config, const std::string& text, const std::string& source) {
  const ordered_json root = parse_object(text, source);
  read_special_tokens(Fields(root, source), config);
  config->check(source);
}

std::string config_json(const ModelConfig& config, const std::string& original, const std::string& dtype) {
  ordered_json j = fresh_config(config);
  j["torch_dtype"] = dtype;
  if (!original.empty()) {
    ModelConfig same = parse_config(original, "config.json");
    same.bos_token_id = config.bos_token_id;
    same.pad_token_id = config.pad_token_id;
    same.eos_token_ids = config.eos_token_ids;
    same.vocab_size = config.vocab_size;
    ordered_json described = fresh_config(same);
    described["torch_dtype"] = dtype;
    COHORT_CHECK(described == j, "the configuration is not the one that config.json describes");
    j = parse_object(original, "config.json");
    j["vocab_size"] = config.vocab_size;
    if (j.contains("dtype")) j["dtype"] = dtype;
    if (j.contains("torch_dtype") || !j.contains("dtype")) j["torch_dtype"] = dtype;
  }
  return dump_json(j, 2) + "\n";
}

std::string generation_config_json(const ModelConfig& config) {
  ordered_json j;
  j["bos_token_id"] = token_json(config.bos_token_id);
  j["eos_token_id"] = eos_json(config.eos_token_ids);
  j["pad_token_id"] = token_json(config.pad_token_id);
  return dump_json(j, 2) + "\n";
}

}  // namespace cohort
