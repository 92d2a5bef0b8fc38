// Models on disk: a Hugging Face folder (config.json, model.safetensors or shards with an index, tokenizer
// files), a GGUF file, or PEFT's folder of an adapter (adapter_files.h) in, a Hugging Face folder out that
// AutoModelForCausalLM and AutoTokenizer open.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/model.h"
#include "tensor/tensor.h"
#include "text/tokenizer.h"

namespace cohort {

// A folder's own texts, empty for a GGUF: handed back to save_checkpoint, so that keys the engine does not
// know survive.
struct CheckpointTexts {
  std::string config, generation_config;
};

struct Checkpoint {
  ModelConfig config;
  Buffer weights;  // laid out as parameter_list(config); the gaps between tensors are zero
  Tokenizer tokenizer;
  std::string source;  // the path, for messages; of an adapter its base's
  CheckpointTexts texts;
  std::optional<Adapter> adapter;
};

// Needs every tensor of the configuration in its shape, and refuses tensors it would not use and weights that
// are not finite. End tokens are those of config.json and generation_config.json (a GGUF's eos and eot), else
// the tokenizer's. Weights that come later take no memory until load_weights. Of an adapter's folder the
// base that it names, and the adapter.
enum class Weights { now, later };
Checkpoint load_checkpoint(const std::filesystem::path& folder_or_gguf, Weights weights = Weights::now);
void load_weights(Checkpoint& checkpoint);

// The same with an adapter merged into the weights.
Checkpoint load_merged_checkpoint(const std::filesystem::path& folder_or_gguf);

// The model of a checkpoint, whose weights and adapter move into it.
Model make_model(Checkpoint& checkpoint);

// The same of a checkpoint whose weights come later: the base is not trained, and is read into panels alone
// (frozen_weights.h).
Model make_frozen_model(Checkpoint& checkpoint, FrozenDtype dtype);

// Writes a folder that nobody reads yet, creating it where it is missing, and syncs each file and the folder;
// the caller renames it into place. Weights are F32, in files of at most `max_shard_bytes` where a single
// tensor allows it.
void save_checkpoint(const std::filesystem::path& folder, const ModelConfig& config, const float* weights,
                     const Tokenizer& tokenizer, const CheckpointTexts& texts = {},
                     int64_t max_shard_bytes = 5'000'000'000);

// The parts of the above that need no tokenizer.

// A Hugging Face folder's weights.
Buffer load_weights(const std::filesystem::path& folder, const ModelConfig& config);

class GgufFile;
Buffer load_weights(const GgufFile& file, const ModelConfig& config);

void save_weights(const std::filesystem::path& folder, const ModelConfig& config, const float* weights,
                  int64_t max_shard_bytes);

}  // namespace cohort
