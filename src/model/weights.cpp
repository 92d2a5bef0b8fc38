#include "model/weights.h"

#include <map>

namespace cohort {
namespace {

class ListBuilder {
 public:
  std::vector<Parameter> list;
  void tensor(std::string name, std::vector<int64_t> shape) {
    list.push_back({std::move(name), std::move(shape), next_});
    next_ += list.back().size();
  }
  void align() { next_ = (next_ + 15) / 16 * 16; }
  void alone(std::string name, std::vector<int64_t> shape) {
    align();
    tensor(std::move(name), std::move(shape));
  }

 private:
  int64_t next_ = 0;
};

}  // namespace

std::vector<Parameter> parameter_list(const ModelConfig& c) {
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  const int64_t q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
  ListBuilder b;
  b.alone("model.embed_tokens.weight", {c.vocab_size, C});
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) {
    const std::string p = fmt::format("model.layers.{}.", l);
    b.alone(p + "input_layernorm.weight", {C});
    if (c.fused_projections) {
      b.alone(p + "self_attn.qkv_proj.weight", {q + 2 * kv, C});
    } else {
      b.alone(p + "self_attn.q_proj.weight", {q, C});
      b.tensor(p + "self_attn.k_proj.weight", {kv, C});
      b.tensor(p + "self_attn.v_proj.weight", {kv, C});
    }
    if (c.attention_bias) {
      b.alone(p + "self_attn.q_proj.bias", {q});
      b.tensor(p + "self_attn.k_proj.bias", {kv});
      b.tensor(p + "self_attn.v_proj.bias", {kv});
    }
    if (c.qk_norm) {
      b.alone(p + "self_attn.q_norm.weight", {c.head_dim});
      b.alone(p + "self_attn.k_norm.weight", {c.head_dim});
    }
    b.alone(p + "self_attn.o_proj.weight", {C, q});
    if (c.attention_out_bias) b.alone(p + "self_attn.o_proj.bias", {C});
    b.alone(p + "post_attention_layernorm.weight", {C});
    if (c.fused_projections) {
      b.alone(p + "mlp.gate_up_proj.weight", {2 * F, C});
    } else {
      b.alone(p + "mlp.gate_proj.weight", {F, C});
      b.tensor(p + "mlp.up_proj.weight", {F, C});
    }
    if (c.mlp_bias) {
      b.alone(p + "mlp.gate_proj.bias", {F});
      b.tensor(p + "mlp.up_proj.bias", {F});
    }
    b.alone(p + "mlp.down_proj.weight", {C, F});
    if (c.mlp_bias) b.alone(p + "mlp.down_proj.bias", {C});
  }
  b.alone("model.norm.weight", {C});
  if (c.scalar_head)
    b.alone("score.weight", {1, C});
  else if (!c.tie_word_embeddings)
    b.alone("lm_head.weight", {c.vocab_size, C});
  return b.list;
}

int64_t parameter_floats(const std::vector<Parameter>& list) {
  return list.empty() ? 0 : list.back().offset + list.back().size();
}

WeightViews weight_views(const ModelConfig& c, float* data) {
  return weight_views(c, parameter_list(c), data);
}

WeightViews weight_views(const ModelConfig& c, const std::vector<Parameter>& list, float* data) {
  std::map<std::string, int64_t> offsets;
  for (const Parameter& p : list) offsets.emplace(p.name, p.offset);
  auto view = [&](const std::string& name, std::initializer_list<int64_t> shape) {
    const auto found = offsets.find(name);
    return found == offsets.end() ? Tensor() : Tensor(data + found->second, shape);
  };
  const int64_t C = c.hidden_size, F = c.intermediate_size, D = c.head_dim;
  WeightViews w;
  w.embedding = view("model.embed_tokens.weight", {c.vocab_size, C});
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) {
    const std::string p = fmt::format("model.layers.{}.", l);
    LayerWeights layer;
    layer.attention_norm = view(p + "input_layernorm.weight", {C});
    layer.qkv = view(p + (c.fused_projections ? "self_attn.qkv_proj.weight" : "self_attn.q_proj.weight"), {c.qkv_width(), C});
    layer.qkv_bias = view(p + "self_attn.q_proj.bias", {c.qkv_width()});
    layer.q_norm = view(p + "self_attn.q_norm.weight", {D});
    layer.k_norm = view(p + "self_attn.k_norm.weight", {D});
    layer.attention_out = view(p + "self_attn.o_proj.weight", {C, c.attention_width()});
    layer.attention_out_bias = view(p + "self_attn.o_proj.bias", {C});
    layer.mlp_norm = view(p + "post_attention_layernorm.weight", {C});
    layer.gate_up = view(p + (c.fused_projections ? "mlp.gate_up_proj.weight" : "mlp.gate_proj.weight"), {2 * F, C});
    layer.gate_up_bias = view(p + "mlp.gate_proj.bias", {2 * F});
    layer.down = view(p + "mlp.down_proj.weight", {C, F});
    layer.down_bias = view(p + "mlp.down_proj.bias", {C});
    w.layers.push_back(layer);
  }
  w.final_norm = view("model.norm.weight", {C});
  if (c.scalar_head)
    w.head = view("score.weight", {1, C});
  else
    w.head = c.tie_word_embeddings ? w.embedding : view("lm_head.weight", {c.vocab_size, C});
  return w;
}

namespace {

// Those of `list` that are wanted, with offsets of their own: what lies between them is dropped in whole groups
// of 16 floats, so that neighbours stay neighbours and the rest aligned.
template <class Wanted>
std::vector<Parameter> some_of(const std::vector<Parameter>& list, Wanted wanted) {
  std::vector<Parameter> some;
  int64_t dropped = 0;
  for (const Parameter& p : list) {
    if (wanted(p)) {
      some.push_back(p);
      some.back().offset -= dropped;
    } else {
      const int64_t end = some.empty() ? 0 : some.back().offset + some.back().size();
      dropped = (p.offset + p.size() - end) / 16 * 16;
    }
  }
  return some;
}

}  // namespace

std::vector<Parameter> trained_parameters(const ModelConfig& config, const Frozen& frozen) {
  const std::string_view layers = "model.layers.";
  return some_of(parameter_list(config), [&](const Parameter& p) {
    const bool layer = p.name.starts_with(layers) && std::stoll(p.name.substr(layers.size())) < frozen.layers;
    return !layer && !(frozen.embeddings && p.name == "model.embed_tokens.weight");
  });
}

std::vector<Parameter> vector_parameters(const ModelConfig& config) {
  return some_of(parameter_list(config), [](const Parameter& p) { return p.shape.size() == 1; });
}

}  // namespace cohort
