// What a recipe says of which tensors are trained: an adapter of low rank beside a frozen base
// (docs/lora.md), or the model itself, all of it or but some parts.
#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "model/frozen_weights.h"
#include "model/lora.h"

namespace cohort {

struct LoraSettings {
  bool use_peft = false;
  int64_t lora_r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0;  // always
  std::vector<std::string> lora_target_modules = {"q_proj", "v_proj"};
  bool use_rslora = false;
  std::string adapter;  // to go on from; empty: a new one
  bool freeze_embeddings = false;
  int64_t freeze_layers = 0;

  std::string dtype = "auto";  // of the frozen base

  FrozenDtype base_dtype() const { return parse_dtype(dtype); }
  LoraConfig lora() const;  // throws Error at an unknown target; all-linear is not written out
  LoraConfig lora(const ModelConfig& config) const;  // for a model; throws Error at a target that it lacks
  Frozen frozen() const { return {freeze_embeddings, freeze_layers}; }
  // Refuses what contradicts itself.
  void check_lora() const;
};

void add_lora_settings(OptionTable& table, LoraSettings& settings);

}  // namespace cohort
