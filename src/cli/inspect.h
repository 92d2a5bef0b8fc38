// What files of models hold, for people: GGUF, safetensors, Hugging Face folders, checkpoints of runs, PEFT's
// folders of adapters, tokenizer.json, tokenizer.model, config.json, adapter_config.json. The files are
// untrusted: whatever they say is shown without control characters, and what cannot be read is said where it
// would stand.
#pragma once

#include <filesystem>
#include <string>

namespace cohort {

struct InspectSettings {
  bool tensors = false, metadata = false;
};

// Throws Error where there is no such file, or nothing that is known.
std::string inspect(const std::filesystem::path& path, const InspectSettings& settings);

}  // namespace cohort
