// adapter_config.json of PEFT's LoRA adapters. What PEFT can write and this engine does not compute (DoRA, ranks
// by layer, trained embeddings ...) is refused by name.
#pragma once

#include <string>

#include "model/lora.h"

namespace cohort {

struct AdapterConfig {
  LoraConfig lora;
  std::string base_model_name_or_path;  // empty where none is named
};

// Throws Error naming the file, the key, what was expected and what was found.
AdapterConfig parse_adapter_config(const std::string& text, const std::string& source);

}  // namespace cohort
