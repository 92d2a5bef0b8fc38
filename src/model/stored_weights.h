// A model's weights as files hold them: mapped, not yet read, so that a model larger than memory can be
// converted tensor by tensor.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "model/checkpoint.h"
#include "model/read_weights.h"
#include "tensor/gguf.h"
#include "tensor/safetensors.h"

namespace cohort {

struct StoredWeights {
  std::vector<SafetensorsFile>
      folder;  // keeps the tensors' bytes mapped; empty for a GGUF, which the caller keeps
  std::vector<StoredTensor> tensors;  // in the order of parameter_list(config)
};

// Throws Error for a tensor of the configuration that is missing, and for one that is not of it.
StoredWeights open_weights(const std::filesystem::path& folder, const ModelConfig& config);
StoredWeights open_weights(const GgufFile& file, const ModelConfig& config);

struct StoredFiles {
  std::optional<GgufFile> gguf;  // where the model is one
  StoredWeights weights;
};
StoredFiles open_files(const std::filesystem::path& folder_or_gguf, const ModelConfig& config);

struct StoredModel : StoredFiles {
  Checkpoint checkpoint;  // without weights; those of an adapter's folder are read and merged, in F32
};
StoredModel open_model(const std::filesystem::path& folder_or_gguf);

// Weights in memory, as if they were a file's. They must outlive what is returned.
std::vector<StoredTensor> stored_in_memory(const ModelConfig& config, const float* weights, const std::string& name);

}  // namespace cohort
