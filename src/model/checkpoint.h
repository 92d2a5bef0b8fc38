// Models on disk: a Hugging Face folder (config.json, model.safetensors or shards with an index, tokenizer
// files) or a GGUF file in, a Hugging Face folder out that AutoModelForCausalLM and AutoTokenizer open.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/weights.h"
#include "tensor/dequantize.h"
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
  std::string source;  // the path, for messages
  CheckpointTexts texts;
};

// Needs every tensor of the configuration in its shape, and refuses tensors it would not use and weights that
// are not finite. End tokens are those of config.json and generation_config.json (a GGUF's eos and eot), else
// the tokenizer's.
Checkpoint load_checkpoint(const std::filesystem::path& folder_or_gguf);

// Writes a folder that nobody reads yet, creating it where it is missing, and syncs each file and the folder;
// the caller renames it into place. Weights are F32, in files of at most `max_shard_bytes` where a single
// tensor allows it.
void save_checkpoint(const std::filesystem::path& folder, const ModelConfig& config, const float* weights,
                     const Tokenizer& tokenizer, const CheckpointTexts& texts = {},
                     int64_t max_shard_bytes = 5'000'000'000);

// The parts of the above that need no tokenizer.

// A tensor as its file holds it, not yet read.
struct StoredTensor {
  std::string file, name;
  Encoding encoding;
  std::vector<int64_t> shape;
  std::string_view bytes;  // valid while its file is mapped
  // llama in GGUF: the rows of each of this many heads interleave the halves of the head (row 2j + t holds
  // row t * D/2 + j); 0: no.
  int64_t permuted_heads = 0;
};

// Reads tensors into a new flat buffer, in parallel. `stored` is in the order of `list`. Throws Error on a
// shape that is not the parameter's and on NaN or infinity (naming tensor and place).
Buffer read_weights(const std::vector<Parameter>& list, const std::vector<StoredTensor>& stored);

// A Hugging Face folder's weights.
Buffer load_weights(const std::filesystem::path& folder, const ModelConfig& config);

class GgufFile;
Buffer load_weights(const GgufFile& file, const ModelConfig& config);

void save_weights(const std::filesystem::path& folder, const ModelConfig& config, const float* weights,
                  int64_t max_shard_bytes);

}  // namespace cohort
