#include "model/gguf_names.h"

#include "base/check.h"

namespace cohort {

std::string gguf_name(const std::string& name) {
  static const std::pair<std::string_view, std::string_view> kWhole[] = {
      {"model.embed_tokens.weight", "token_embd.weight"},
      {"model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"}};
  static const std::pair<std::string_view, std::string_view> kInLayer[] = {
      {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  for (const auto& [from, to] : kWhole)
    if (name == from) return std::string(to);
  const size_t layer = std::string_view("model.layers.").size(), dot = name.find('.', layer),
               last = name.rfind('.');
  const std::string_view part = std::string_view(name).substr(dot + 1, last - dot - 1);
  for (const auto& [from, to] : kInLayer)
    if (part == from)
      return fmt::format("blk.{}.{}{}", name.substr(layer, dot - layer), to, name.substr(last));
  COHORT_CHECK(false, "no GGUF name for '{}'", name);
  return {};
}

int64_t gguf_permuted_heads(const ModelConfig& config, const std::string& name) {
  if (config.model_type != "llama") return 0;
  if (name.find(".q_proj.") != std::string::npos) return config.num_attention_heads;
  if (name.find(".k_proj.") != std::string::npos) return config.num_key_value_heads;
  return 0;
}

}  // namespace cohort
