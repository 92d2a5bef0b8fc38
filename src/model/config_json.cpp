#include "model/config_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

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
                                {"qwen2", "qwen2", "Qwen2ForCausalLM", 32, 0, 32768},
                                {"qwen3", "qwen3", "Qwen3ForCausalLM", 32, 128, 32768}};

// transformers' class with a head of num_labels outputs and no bias: a scalar head is one label.
constexpr const char* kScalarHead = "ForSequenceClassification";

ordered_json parse_object(const std::string& text, const std::string& source) {
  ordered_json root;
  try {
    root = parse_ordered_json(text);
  } catch (const ordered_json::exception& e) {
    fail("{}: not valid JSON: {}", source, e.what());
  }
  if (!root.is_object()) fail("{}: expected a JSON object, found {}", source, root.type_name());
  return root;
}

// Typed access to one JSON object's fields. A field that is null counts as missing.
class Fields {
 public:
  Fields(const ordered_json& object, std::string where) : object_(object), where_(std::move(where)) {}

  const ordered_json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  bool has_key(const char* name) const { return object_.contains(name); }  // null included
  [[noreturn]] void wrong(const char* name, const char* expected, const ordered_json& found) const {
    fail("{}: '{}': expected {}, found {:.80}", where_, name, expected, dump_json(found));
  }
  const ordered_json& required(const char* name, const char* expected) const {
    const ordered_json* value = find(name);
    if (!value) fail("{}: '{}' is missing (expected {})", where_, name, expected);
    return *value;
  }
  int64_t integer(const char* name) const {
    const ordered_json& value = required(name, "an integer");
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() >> 63))
      wrong(name, "an integer", value);
    return value.get<int64_t>();
  }
  int64_t integer(const char* name, int64_t otherwise) const {
    return find(name) ? integer(name) : otherwise;
  }
  double number(const char* name) const {
    const ordered_json& value = required(name, "a number");
    if (!value.is_number()) wrong(name, "a number", value);
    return value.get<double>();
  }
  double number(const char* name, double otherwise) const { return find(name) ? number(name) : otherwise; }
  bool boolean(const char* name, bool otherwise) const {
    const ordered_json* value = find(name);
    if (value && !value->is_boolean()) wrong(name, "true or false", *value);
    return value ? value->get<bool>() : otherwise;
  }
  std::string string(const char* name, const std::string& otherwise) const {
    const ordered_json* value = find(name);
    if (value && !value->is_string()) wrong(name, "a string", *value);
    return value ? value->get<std::string>() : otherwise;
  }
  const std::string& where() const { return where_; }

 private:
  const ordered_json& object_;
  std::string where_;
};

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

// transformers 5 writes rope_parameters with rope_theta inside; 4 writes rope_theta and rope_scaling (null:
// none).
void read_rope(const Fields& fields, ModelConfig* config) {
  config->rope_theta = fields.number("rope_theta", 10000.0);
  const char* name = fields.find("rope_scaling") ? "rope_scaling" : "rope_parameters";
  if (fields.number("partial_rotary_factor", 1.0) != 1.0)
    fail("{}: 'partial_rotary_factor': rotating a part of each head is not supported", fields.where());
  const ordered_json* object = fields.find(name);
  if (!object) return;
  if (!object->is_object()) fields.wrong(name, "an object", *object);
  const Fields rope(*object, fmt::format("{}: '{}'", fields.where(), name));
  config->rope_theta = rope.number("rope_theta", config->rope_theta);
  if (rope.number("partial_rotary_factor", 1.0) != 1.0)
    fail("{}: 'partial_rotary_factor': rotating a part of each head is not supported", rope.where());
  for (const auto& [key, value] : object->items())
    if (value.is_object())
      fail("{}: '{}': rope parameters by layer type are not supported", rope.where(), key);

  RopeScaling& scaling = config->rope_scaling;
  const std::string type = rope.string("rope_type", rope.string("type", "default"));
  if (type == "linear") {
    scaling.kind = RopeScaling::Kind::linear;
    scaling.factor = rope.number("factor");
  } else if (type == "llama3") {
    scaling.kind = RopeScaling::Kind::llama3;
    scaling.factor = rope.number("factor");
    scaling.low_freq_factor = rope.number("low_freq_factor");
    scaling.high_freq_factor = rope.number("high_freq_factor");
    scaling.original_max_position_embeddings = rope.integer("original_max_position_embeddings");
  } else if (type != "default") {
    fail("{}: rope type '{}' is not supported; supported are default, linear, llama3", rope.where(), type);
  }
}

// A window that cuts nothing within max_position_embeddings is no window.
void refuse_sliding_window(const Fields& fields, const Family& family, const ModelConfig& config) {
  const std::string type = family.model_type;
  int64_t window = 0;
  if (type == "mistral")
    window = fields.has_key("sliding_window") ? fields.integer("sliding_window", 0) : 4096;
  if ((type == "qwen2" || type == "qwen3") && fields.boolean("use_sliding_window", false) &&
      fields.integer("max_window_layers", 28) < config.num_hidden_layers)
    window = fields.integer("sliding_window", fields.has_key("sliding_window") ? 0 : 4096);
  if (window > 0 && window < config.max_position_embeddings)
    fail(
        "{}: 'sliding_window' {} is in use (max_position_embeddings is {}); sliding-window attention is not "
        "supported",
        fields.where(), window, config.max_position_embeddings);
  const ordered_json* layers = fields.find("layer_types");
  if (!layers) return;
  if (!layers->is_array()) fields.wrong("layer_types", "an array", *layers);
  for (const ordered_json& layer : *layers)
    if (layer != "full_attention") fields.wrong("layer_types", "full_attention in every layer", layer);
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

ordered_json rope_scaling_json(const RopeScaling& s) {
  if (s.kind == RopeScaling::Kind::none) return nullptr;
  if (s.kind == RopeScaling::Kind::linear) return {{"rope_type", "linear"}, {"factor", s.factor}};
  return {{"rope_type", "llama3"},
          {"factor", s.factor},
          {"low_freq_factor", s.low_freq_factor},
          {"high_freq_factor", s.high_freq_factor},
          {"original_max_position_embeddings", s.original_max_position_embeddings}};
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
    fail("{}: 'model_type': '{}' is not supported; supported are llama, mistral, qwen2, qwen3", source,
         model_type);
  if (fields.find("quantization_config"))
    fail("{}: 'quantization_config': quantised Hugging Face checkpoints are not supported", source);
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
  c.rms_norm_eps = fields.number("rms_norm_eps", 1e-6);
  c.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  if (model_type == "qwen2") {
    c.attention_bias = true;
  } else if (model_type != "mistral") {
    c.attention_bias = c.attention_out_bias = fields.boolean("attention_bias", false);
  }
  c.mlp_bias = model_type == "llama" && fields.boolean("mlp_bias", false);
  c.qk_norm = model_type == "qwen3";
  c.scalar_head = read_scalar_head(fields);
  read_rope(fields, &c);
  read_special_tokens(fields, &c);
  c.check(source);
  refuse_sliding_window(fields, *family, c);
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
    ordered_json described = fresh_config(same);
    described["torch_dtype"] = dtype;
    COHORT_CHECK(described == j, "the configuration is not the one that config.json describes");
    j = parse_object(original, "config.json");
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
