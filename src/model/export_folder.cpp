#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/new_folder.h"
#include "base/json.h"
#include "model/config_json.h"
#include "model/convert_tensor.h"
#include "model/export.h"
#include "model/stored_weights.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

struct Dtype {
  const char *name, *safetensors, *torch;
  Encoding encoding;
};
constexpr Dtype kDtypes[] = {{"f32", "F32", "float32", Encoding::f32},
                             {"bf16", "BF16", "bfloat16", Encoding::bf16},
                             {"f16", "F16", "float16", Encoding::f16}};

// That of the files where they have one; what is quantised, or F64, becomes F32.
const Dtype& dtype_of(const std::string& name, const std::vector<StoredTensor>& tensors) {
  for (const Dtype& d : kDtypes) {
    if (name == d.name) return d;
    const auto same = [&](const StoredTensor& t) { return t.encoding == d.encoding; };
    if (name.empty() && std::all_of(tensors.begin(), tensors.end(), same)) return d;
  }
  if (!name.empty())
    fail("a Hugging Face folder of type {} cannot be written; the types are f32, bf16, f16", name);
  return kDtypes[0];
}

void write_weights(const fs::path& folder, const std::vector<Parameter>& list, const StoredWeights& stored,
                   const Dtype& dtype, int64_t max_shard_bytes, Exported* exported) {
  const int64_t value_bytes = encoding_info(dtype.encoding).block_bytes;
  std::vector<std::vector<size_t>> shards(1);
  int64_t shard_bytes = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    const int64_t bytes = list[i].size() * value_bytes;
    if (shard_bytes > 0 && shard_bytes + bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(i);
    shard_bytes += bytes;
    exported->bytes += bytes;
  }
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = exported->bytes;
  ConversionError error;
  for (size_t s = 0; s < shards.size(); ++s) {
    const std::string name = shards.size() == 1
                                 ? "model.safetensors"
                                 : fmt::format("model-{:05}-of-{:05}.safetensors", s + 1, shards.size());
    std::vector<SafetensorsEntry> entries;
    for (const size_t i : shards[s]) {
      entries.push_back({list[i].name, dtype.safetensors, list[i].shape, {}});
      index["weight_map"][list[i].name] = name;
    }
    SafetensorsWriter file(folder / name, entries, {{"format", "pt"}});
    for (const size_t i : shards[s])
      file.append(convert_tensor(list[i], stored.tensors[i], dtype.encoding, 0, &error));
    file.finish();
  }
  if (shards.size() > 1) write_new_file(folder / "model.safetensors.index.json", dump_json(index, 2) + "\n");
  exported->tensors[dtype.safetensors] = std::ssize(list);
  if (error.squares > 0) exported->relative_error = std::sqrt(error.errors / error.squares);
}

}  // namespace

Exported export_folder(const fs::path& model, const std::string& dtype_name, int64_t max_shard_bytes,
                       const fs::path& folder) {
  const StoredModel opened = open_model(model);
  const Checkpoint& c = opened.checkpoint;
  const StoredWeights& stored = opened.weights;
  const Dtype& dtype = dtype_of(dtype_name, stored.tensors);

  NewFolder aside(folder);
  Exported exported;
  write_new_file(aside.path() / "config.json", config_json(c.config, c.texts.config, dtype.torch));
  write_new_file(aside.path() / "generation_config.json", c.texts.generation_config.empty()
                                                            ? generation_config_json(c.config)
                                                            : c.texts.generation_config);
  c.tokenizer.save(aside.path());
  write_weights(aside.path(), parameter_list(c.config), stored, dtype, max_shard_bytes, &exported);
  sync_folder(aside.path());
  aside.finish();
  exported.path = folder.string();
  return exported;
}

}  // namespace cohort
