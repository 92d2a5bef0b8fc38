#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "model/gguf_names.h"
#include "model/stored_weights.h"
#include "model/tensor_pool.h"
#include "tensor/gguf.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

// Shard names by tensor, from model.safetensors.index.json.
std::map<std::string, std::string> read_index(const fs::path& path) {
  nlohmann::json root;
  try {
    root = parse_json(read_file(path));
  } catch (const nlohmann::json::exception& e) {
    fail("{}: not valid JSON: {}", path.string(), e.what());
  }
  if (!root.is_object() || !root.contains("weight_map") || !root["weight_map"].is_object())
    fail("{}: expected an object 'weight_map'", path.string());
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : root["weight_map"].items()) {
    if (!file.is_string()) fail("{}: 'weight_map': '{}': expected a file name", path.string(), tensor);
    const std::string name = file.get<std::string>();
    if (name.empty() || fs::path(name).filename() != name || name == "." || name == "..")
      fail("{}: 'weight_map': '{}': expected a file name inside the folder, found '{}'", path.string(),
           tensor, name);
    shards.emplace(tensor, name);
  }
  return shards;
}

std::vector<SafetensorsFile> open_files(const fs::path& folder, TensorPool* pool) {
  std::vector<SafetensorsFile> files;
  const fs::path single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  if (fs::exists(single)) {
    files.emplace_back(single);
    pool->add(files.back());
    return files;
  }
  if (!fs::exists(index))
    fail("{}: expected model.safetensors or model.safetensors.index.json, found neither{}", folder.string(),
         fs::exists(folder / "pytorch_model.bin") || fs::exists(folder / "pytorch_model.bin.index.json")
             ? " (pytorch_model.bin is a pickle, which is not read: convert it to safetensors)"
             : "");
  const std::map<std::string, std::string> shards = read_index(index);
  std::set<std::string> names;
  for (const auto& [tensor, name] : shards) names.insert(name);
  for (const std::string& name : names) {
    files.emplace_back(folder / name);
    pool->add(files.back());
  }
  for (const auto& [tensor, name] : shards) {
    const StoredTensor* stored = pool->find(tensor);
    if (!tensor.ends_with("rotary_emb.inv_freq") && (!stored || stored->file != (folder / name).string()))
      fail("{}: tensor '{}' is not in {}", index.string(), tensor, name);
  }
  return files;
}

// A tied model may carry its head as well, if it is the embedding.
void drop_tied_head(TensorPool* pool) {
  const StoredTensor *head = pool->find("lm_head.weight"),
                     *embedding = pool->find("model.embed_tokens.weight");
  if (!head || !embedding) return;
  if (head->shape != embedding->shape || head->encoding != embedding->encoding ||
      head->bytes != embedding->bytes)
    fail(
        "{}: tensor 'lm_head.weight' differs from 'model.embed_tokens.weight', but the configuration ties "
        "them",
        head->file);
  pool->drop("lm_head.weight");
}

}  // namespace

StoredWeights open_weights(const fs::path& folder, const ModelConfig& config) {
  TensorPool pool(folder.string());
  StoredWeights stored;
  stored.folder = open_files(folder, &pool);
  if (config.tie_word_embeddings) drop_tied_head(&pool);
  for (const Parameter& p : parameter_list(config)) stored.tensors.push_back(pool.take(p.name, p.shape));
  pool.finish();
  return stored;
}

StoredWeights open_weights(const GgufFile& file, const ModelConfig& config) {
  TensorPool pool(file.path());
  for (const GgufTensor& t : file.tensors()) pool.add({file.path(), t.name, t.encoding, t.shape, t.bytes});
  pool.drop("rope_freqs.weight");  // part of the configuration
  StoredWeights stored;
  for (const Parameter& p : parameter_list(config)) {
    stored.tensors.push_back(pool.take(gguf_name(p.name), p.shape));
    stored.tensors.back().permuted_heads = gguf_permuted_heads(config, p.name);
  }
  pool.finish();
  return stored;
}

Buffer load_weights(const fs::path& folder, const ModelConfig& config) {
  return read_weights(parameter_list(config), open_weights(folder, config).tensors);
}

Buffer load_weights(const GgufFile& file, const ModelConfig& config) {
  return read_weights(parameter_list(config), open_weights(file, config).tensors);
}

void save_weights(const fs::path& folder, const ModelConfig& config, const float* weights,
                  int64_t max_shard_bytes) {
  std::vector<std::vector<NamedFloats>> shards(1);
  int64_t total = 0, shard_bytes = 0;
  for (const Parameter& p : parameter_list(config)) {
    const int64_t bytes = p.size() * static_cast<int64_t>(sizeof(float));
    if (shard_bytes > 0 && shard_bytes + bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back({p.name, p.shape, weights + p.offset});
    shard_bytes += bytes;
    total += bytes;
  }
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (shards.size() == 1) return save_safetensors(folder / "model.safetensors", shards[0], metadata);
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = total;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    save_safetensors(folder / name, shards[i], metadata);
    for (const NamedFloats& t : shards[i]) index["weight_map"][t.name] = name;
  }
  write_new_file(folder / "model.safetensors.index.json", dump_json(index, 2) + "\n");
}

}  // namespace cohort
