// PEFT's folder of a LoRA adapter: adapter_config.json, adapter_model.safetensors, and whatever tokenizer
// files lie beside them.
#pragma once

#include <filesystem>
#include <string>

#include "model/adapter_config.h"
#include "model/lora.h"
#include "text/tokenizer.h"

namespace cohort {

bool is_adapter_folder(const std::filesystem::path& path);  // adapter_config.json, and no config.json

AdapterConfig read_adapter_config(const std::filesystem::path& folder);

// The base's folder or GGUF file, as the configuration names it: as it stands, or beside the adapter.
std::filesystem::path find_base_model(const std::filesystem::path& folder);

// Needs every tensor of the configuration in the shape that the base gives it, no other, and finite values.
Adapter load_adapter(const std::filesystem::path& folder, const ModelConfig& base);

// Into a folder that nobody reads yet, created where it is missing; files and folder are synced. PEFT opens
// it.
void save_adapter(const std::filesystem::path& folder, const Adapter& adapter, const std::string& base,
                  const Tokenizer& tokenizer);

}  // namespace cohort
