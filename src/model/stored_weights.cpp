#include "model/stored_weights.h"

#include "model/adapter_files.h"

namespace cohort {

std::vector<StoredTensor> stored_in_memory(const ModelConfig& config, const float* weights, const std::string& name) {
  std::vector<StoredTensor> tensors;
  for (const Parameter& p : parameter_list(config)) {
    const char* bytes = reinterpret_cast<const char*>(weights + p.offset);
    const std::string_view view(bytes, static_cast<size_t>(p.size()) * sizeof(float));
    tensors.push_back({name, p.name, Encoding::f32, p.shape, view});
  }
  return tensors;
}

StoredFiles open_files(const std::filesystem::path& path, const ModelConfig& config) {
  StoredFiles files;
  if (std::filesystem::is_directory(path)) {
    files.weights = open_weights(path, config);
  } else {
    files.gguf.emplace(path);
    files.weights = open_weights(*files.gguf, config);
  }
  return files;
}

StoredModel open_model(const std::filesystem::path& path) {
  StoredModel model;
  if (is_adapter_folder(path)) {
    model.checkpoint = load_merged_checkpoint(path);
    model.weights.tensors =
        stored_in_memory(model.checkpoint.config, model.checkpoint.weights.data(), path.string());
    return model;
  }
  model.checkpoint = load_checkpoint(path, Weights::later);
  static_cast<StoredFiles&>(model) = open_files(path, model.checkpoint.config);
  return model;
}

}  // namespace cohort
