#include "run/lora_settings.h"

#include "base/check.h"

namespace cohort {

LoraConfig LoraSettings::lora() const {
  return {lora_r, lora_alpha, use_rslora, lora_targets(lora_target_modules, "lora_target_modules")};
}

LoraConfig LoraSettings::lora(const ModelConfig& config) const {
  LoraConfig c = lora();
  c.target_modules = lora_targets(c.target_modules, config, "lora_target_modules");
  return c;
}

void LoraSettings::check_lora() const {
  if (use_peft) {
    lora();
    if (freeze_embeddings || freeze_layers > 0)
      fail("{}: with use_peft the whole base is frozen; expected {}",
           freeze_embeddings ? "freeze_embeddings" : "freeze_layers", freeze_embeddings ? "false" : "0");
    return;
  }
  const LoraSettings usual;
  const char* unread = !adapter.empty()                                   ? "adapter"
                       : lora_r != usual.lora_r                           ? "lora_r"
                       : lora_alpha != usual.lora_alpha                   ? "lora_alpha"
                       : lora_target_modules != usual.lora_target_modules ? "lora_target_modules"
                       : use_rslora                                       ? "use_rslora"
                       : dtype != usual.dtype                             ? "dtype"
                                                                          : nullptr;
  if (unread)
    fail("{}: only an adapter{} reads it; expected use_peft true", unread,
         unread == std::string_view("dtype") ? "'s base" : "");
}

void add_lora_settings(OptionTable& t, LoraSettings& s) {
  t.section("What is trained (docs/lora.md)");
  t.add("use_peft", &s.use_peft, "train a LoRA adapter beside the frozen model");
  t.add("lora_r", &s.lora_r, "rank of the adapter").at_least(1).at_most(65536);
  t.add("lora_alpha", &s.lora_alpha, "the adapter's product counts lora_alpha / lora_r times")
      .above(0)
      .at_most(1e6);
  t.add("lora_dropout", &s.lora_dropout,
        "always 0: the policy that samples is the policy that is trained, bit for bit")
      .at_least(0)
      .at_most(0);
  t.add("lora_target_modules", &s.lora_target_modules,
        "projections that get one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; of Phi-3 qkv_proj, "
        "o_proj, gate_up_proj, down_proj; or all-linear");
  t.add("use_rslora", &s.use_rslora, "count it lora_alpha / sqrt(lora_r) times");
  t.add("adapter", &s.adapter,
        "the adapter to go on from (PEFT's folder), lora_* as it says; empty: a new one")
      .shown_as("DIR");
  t.add("dtype", &s.dtype,
        "with use_peft: how the frozen base is held; auto: bfloat16 and q8_0 files as they are, others in "
        "float32")
      .one_of({dtype_names().begin(), dtype_names().end()});
  t.add("freeze_embeddings", &s.freeze_embeddings,
        "without use_peft: keep the embeddings as they are (of a tied model the head too)");
  t.add("freeze_layers", &s.freeze_layers, "without use_peft: keep the first so many layers as they are")
      .at_least(0);
}

}  // namespace cohort
