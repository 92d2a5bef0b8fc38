#include "model/stored_weights.h"

#include "model/adapter_files.h"

namespace cohort {
namespace {

std::vector<StoredTensor> read_tensors(const Checkpoint& c, const std::string& source) {
  std::vector<StoredTensor> tensors;
  for (const Parameter& p : parameter_list(c.config)) {
    const char* bytes = reinterpret_cast<const char*>(c.weights.data() + p.offset);
    const std::string_view view(bytes, static_cast<size_t>(p.size()) * sizeof(float));
    tensors.push_back({source, p.name, Encoding::f32, p.shape, view});
  }
  return tensors;
}

}  // namespace

StoredModel open_model(const std::filesystem::path& path) {
  StoredModel model;
  if (is_adapter_folder(path)) {
    model.checkpoint = load_merged_checkpoint(path);
    model.weights.tensors = read_tensors(model.checkpoint, path.string());
    return model;
  }
  model.checkpoint = load_checkpoint(path, Weights::later);
  if (std::filesystem::is_directory(path)) {
    model.weights = open_weights(path, model.checkpoint.config);
  } else {
    model.gguf.emplace(path);
    model.weights = open_weights(*model.gguf, model.checkpoint.config);
  }
  return model;
}

}  // namespace cohort
