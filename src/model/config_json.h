// Configurations in files: Hugging Face's config.json and generation_config.json (as transformers 4 and 5
// write them), and GGUF metadata. What the engine does not compute exactly (other rope types, an active
// sliding window, other activations, experts) is refused by name. Errors name the source and the field.
#pragma once

#include <string>

#include "model/config.h"

namespace cohort {

class GgufFile;

// Families llama, mistral, qwen2, qwen3. Fields that may be missing get the defaults of transformers'
// configuration classes, but special tokens that are missing are absent (-1, empty).
ModelConfig parse_config(const std::string& text, const std::string& source);

// Adds generation_config.json's end tokens, and bos and pad where config.json had none.
void merge_generation_config(ModelConfig* config, const std::string& text, const std::string& source);

// `original` is the config.json that the weights came from, or empty: its keys are kept, but for dtype and vocab_size.
std::string config_json(const ModelConfig& config, const std::string& original,
                        const std::string& dtype = "float32");
std::string generation_config_json(const ModelConfig& config);

// Architectures llama, qwen2, qwen3.
ModelConfig gguf_config(const GgufFile& file);

}  // namespace cohort
