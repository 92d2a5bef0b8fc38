#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "model/read_weights.h"
#include "tensor/gguf.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

// Takes tensors out of a pool by name; what is left over at the end was not used.
class Pool {
 public:
  explicit Pool(std::string source) : source_(std::move(source)) {}
  void add(StoredTensor tensor) {
    const auto [at, inserted] = tensors_.try_emplace(tensor.name, tensor);
    if (!inserted) fail("{}: tensor '{}': also in {}", tensor.file, tensor.name, at->second.file);
  }
  const StoredTensor* find(const std::string& name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }
  StoredTensor take(const std::string& name, const std::vector<int64_t>& shape) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail("{}: tensor '{}' {} is missing", source_, name, shape_text(shape));
    return std::move(tensors_.extract(found).mapped());
  }
  void drop(const std::string& name) { tensors_.erase(name); }
  void finish() const {
    if (tensors_.empty()) return;
    const auto& [name, tensor] = *tensors_.begin();
    fail("{}: tensor '{}' {} is not part of the model that the configuration describes ({} such)",
         tensor.file, name, shape_text(tensor.shape), tensors_.size());
  }

 private:
  std::string source_;
  std::map<std::string, StoredTensor> tensors_;
};

void add_file(const SafetensorsFile& file, Pool* pool) {
  for (const SafetensorsEntry& e : file.entries()) {
    if (e.name.ends_with("rotary_emb.inv_freq")) continue;  // old transformers versions stored this table
    pool->add({file.path(), e.name, float_encoding(e, file.path()), e.shape, e.bytes});
  }
}

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

std::vector<SafetensorsFile> open_files(const fs::path& folder, Pool* pool) {
  std::vector<SafetensorsFile> files;
  const fs::path single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  if (fs::exists(single)) {
    files.emplace_back(single);
    add_file(files.back(), pool);
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
    add_file(files.back(), pool);
  }
  for (const auto& [tensor, name] : shards) {
    const StoredTensor* stored = pool->find(tensor);
    if (!tensor.ends_with("rotary_emb.inv_freq") && (!stored || stored->file != (folder / name).string()))
      fail("{}: tensor '{}' is not in {}", index.string(), tensor, name);
  }
  return files;
}

// A tied model may carry its head as well, if it is the embedding.
void drop_tied_head(Pool* pool) {
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

// model.layers.3.self_attn.q_proj.weight -> blk.3.attn_q.weight
std::string gguf_name(const std::string& name) {
  static const std::pair<std::string_view, std::string_view> kWhole[] = {
      {"model.embed_tokens.weight", "token_embd.weight"},
      {"model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"}};
  static const std::pair<std::string_view, std::string_view> kInLayer[] = {
      {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  for (const auto& [from, to] : kWhole)
    if (name == from) return std::string(to);
  const size_t layer = std::string_view("model.layers.").size(), dot = name.find('.', layer),
               last = name.rfind('.');
  const std::string_view part = std::string_view(name).substr(dot + 1, last - dot - 1);
  for (const auto& [from, to] : kInLayer)
    if (part == from)
      return fmt::format("blk.{}.{}{}", name.substr(layer, dot - layer), to, name.substr(last));
  COHORT_CHECK(false, "no GGUF name for '{}'", name);
  return {};
}

}  // namespace

Buffer load_weights(const fs::path& folder, const ModelConfig& config) {
  Pool pool(folder.string());
  const std::vector<SafetensorsFile> files = open_files(folder, &pool);
  if (config.tie_word_embeddings) drop_tied_head(&pool);
  const std::vector<Parameter> list = parameter_list(config);
  std::vector<StoredTensor> stored;
  for (const Parameter& p : list) stored.push_back(pool.take(p.name, p.shape));
  pool.finish();
  return read_weights(list, stored);
}

Buffer load_weights(const GgufFile& file, const ModelConfig& config) {
  Pool pool(file.path());
  for (const GgufTensor& t : file.tensors()) pool.add({file.path(), t.name, t.encoding, t.shape, t.bytes});
  pool.drop("rope_freqs.weight");  // part of the configuration
  const std::vector<Parameter> list = parameter_list(config);
  std::vector<StoredTensor> stored;
  for (const Parameter& p : list) {
    stored.push_back(pool.take(gguf_name(p.name), p.shape));
    if (config.model_type != "llama") continue;
    if (p.name.find(".q_proj.") != std::string::npos)
      stored.back().permuted_heads = config.num_attention_heads;
    if (p.name.find(".k_proj.") != std::string::npos)
      stored.back().permuted_heads = config.num_key_value_heads;
  }
  pool.finish();
  return read_weights(list, stored);
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
