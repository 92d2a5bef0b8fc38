#include "model/adapter_files.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "model/tensor_pool.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";

}  // namespace

bool is_adapter_folder(const fs::path& path) {
  return fs::exists(path / kConfig) && !fs::exists(path / "config.json");
}

AdapterConfig read_adapter_config(const fs::path& folder) {
  const fs::path path = folder / kConfig;
  if (!fs::exists(path))
    fail("{}: expected PEFT's folder of an adapter, but {} is missing", folder.string(), kConfig);
  return parse_adapter_config(read_file(path), path.string());
}

fs::path find_base_model(const fs::path& folder) {
  const std::string name = read_adapter_config(folder).base_model_name_or_path;
  const std::string where = fmt::format("{}: 'base_model_name_or_path'", (folder / kConfig).string());
  for (const fs::path& base : {fs::path(name), folder / name}) {
    if (name.empty() || !fs::exists(base)) continue;
    if (is_adapter_folder(base))
      fail("{}: expected a model, found the adapter {}: merge that first (cohort merge)", where,
           base.string());
    return base;
  }
  fail(
      "{}: expected the path of the base model, found '{}', which is not there: write its path in, or give "
      "the "
      "base as model and this folder as adapter",
      where, name);
}

Adapter load_adapter(const fs::path& folder, const ModelConfig& base) {
  LoraConfig lora = read_adapter_config(folder).lora;
  lora.target_modules = lora_targets(lora.target_modules, base, (folder / kConfig).string() + ": 'target_modules'");
  const fs::path path = folder / kWeights;
  if (!fs::exists(path))
    fail("{}: expected {}, which is missing{}", folder.string(), kWeights,
         fs::exists(folder / "adapter_model.bin")
             ? " (adapter_model.bin is a pickle, which is not read: save it as safetensors)"
             : "");
  const SafetensorsFile file(path);
  TensorPool pool(path.string());
  pool.add(file);
  const std::vector<Parameter> list = lora_parameters(base, lora);
  std::vector<StoredTensor> stored;
  for (const Parameter& p : list) stored.push_back(pool.take(p.name, p.shape));
  pool.finish();
  return Adapter(base, lora, read_weights(list, stored));
}

void save_adapter(const fs::path& folder, const Adapter& adapter, const std::string& base,
                  const Tokenizer& tokenizer) {
  const LoraConfig& lora = adapter.config();
  fs::create_directories(folder);
  const bool whole = lora.lora_alpha == static_cast<double>(static_cast<int64_t>(lora.lora_alpha));
  const ordered_json alpha =
      whole ? ordered_json(static_cast<int64_t>(lora.lora_alpha)) : ordered_json(lora.lora_alpha);
  const ordered_json config{{"base_model_name_or_path", base},
                            {"bias", "none"},
                            {"fan_in_fan_out", false},
                            {"inference_mode", true},
                            {"init_lora_weights", true},
                            {"lora_alpha", alpha},
                            {"lora_dropout", 0.0},
                            {"modules_to_save", nullptr},
                            {"peft_type", "LORA"},
                            {"r", lora.r},
                            {"target_modules", lora.target_modules},
                            {"task_type", "CAUSAL_LM"},
                            {"use_dora", false},
                            {"use_rslora", lora.use_rslora}};
  write_new_file(folder / kConfig, dump_json(config, 2) + "\n");
  std::vector<NamedFloats> tensors;
  for (const Parameter& p : adapter.parameters())
    tensors.push_back({p.name, p.shape, adapter.flat().data + p.offset});
  save_safetensors(folder / kWeights, tensors, {{"format", "pt"}});
  tokenizer.save(folder);
  sync_folder(folder);
}

}  // namespace cohort
