#include "model/checkpoint.h"

#include "base/file.h"
#include "model/adapter_files.h"
#include "model/config_json.h"
#include "model/stored_weights.h"
#include "tensor/gguf.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

Checkpoint load_folder(const fs::path& folder, Weights weights) {
  Checkpoint c;
  const fs::path config = folder / "config.json", generation = folder / "generation_config.json";
  if (!fs::exists(config))
    fail("{}: expected a Hugging Face folder, but config.json is missing", folder.string());
  c.texts.config = read_file(config);
  c.config = parse_config(c.texts.config, config.string());
  if (c.config.scalar_head)
    fail("{}: a model with a scalar head (a value or reward model) is not a language model", config.string());
  if (fs::exists(generation)) {
    c.texts.generation_config = read_file(generation);
    merge_generation_config(&c.config, c.texts.generation_config, generation.string());
  }
  c.tokenizer = Tokenizer::from_folder(folder);
  if (weights == Weights::now) c.weights = load_weights(folder, c.config);
  return c;
}

Checkpoint load_gguf(const fs::path& path, Weights weights) {
  Checkpoint c;
  const GgufFile file(path);
  c.config = gguf_config(file);
  c.tokenizer = Tokenizer::from_gguf(file);
  if (weights == Weights::now) c.weights = load_weights(file, c.config);
  return c;
}

void check_vocabulary(const Checkpoint& c, const std::string& source) {
  if (c.tokenizer.size() > c.config.vocab_size)
    fail("{}: the tokenizer has {} tokens, but the model's vocabulary only {}", source, c.tokenizer.size(),
         c.config.vocab_size);
}

Checkpoint load_adapted(const fs::path& folder, Weights weights) {
  Checkpoint c = load_checkpoint(find_base_model(folder), weights);
  c.adapter = load_adapter(folder, c.config);
  if (fs::exists(folder / "tokenizer.json")) c.tokenizer = Tokenizer::from_folder(folder);
  check_vocabulary(c, folder.string());
  return c;
}

}  // namespace

Checkpoint load_checkpoint(const fs::path& folder_or_gguf, Weights weights) {
  if (is_adapter_folder(folder_or_gguf)) return load_adapted(folder_or_gguf, weights);
  if (!fs::exists(folder_or_gguf)) fail("{}: no such file or folder", folder_or_gguf.string());
  Checkpoint c = fs::is_directory(folder_or_gguf) ? load_folder(folder_or_gguf, weights)
                                                  : load_gguf(folder_or_gguf, weights);
  c.source = folder_or_gguf.string();
  check_vocabulary(c, c.source);
  if (c.config.eos_token_ids.empty() && c.tokenizer.eos_token_id() >= 0)
    c.config.eos_token_ids.push_back(c.tokenizer.eos_token_id());
  return c;
}

void load_weights(Checkpoint& c) {
  c.weights = fs::is_directory(c.source) ? load_weights(fs::path(c.source), c.config)
                                         : load_weights(GgufFile(c.source), c.config);
}

Checkpoint load_merged_checkpoint(const fs::path& folder_or_gguf) {
  Checkpoint c = load_checkpoint(folder_or_gguf);
  if (c.adapter) merge_adapter(c.config, *c.adapter, c.weights.data());
  c.adapter.reset();
  return c;
}

namespace {

Model with_adapter(Model model, Checkpoint& c) {
  if (c.adapter) model.set_adapter(std::move(*c.adapter));
  c.adapter.reset();
  return model;
}

}  // namespace

Model make_model(Checkpoint& c) { return with_adapter(Model(c.config, std::move(c.weights)), c); }

Model make_frozen_model(Checkpoint& c, FrozenDtype dtype) {
  const StoredFiles files = open_files(c.source, c.config);
  return with_adapter(Model(c.config, files.weights.tensors, dtype), c);
}

void save_checkpoint(const fs::path& folder, const ModelConfig& config, const float* weights,
                     const Tokenizer& tokenizer, const CheckpointTexts& texts, int64_t max_shard_bytes) {
  fs::create_directories(folder);
  write_new_file(folder / "config.json", config_json(config, texts.config));
  write_new_file(folder / "generation_config.json",
                 texts.generation_config.empty() ? generation_config_json(config) : texts.generation_config);
  tokenizer.save(folder);
  save_weights(folder, config, weights, max_shard_bytes);
  sync_folder(folder);
}

}  // namespace cohort
