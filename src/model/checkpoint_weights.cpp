#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/file.h"
#include "model/checkpoint.h"
#include "tensor/gguf.h"
#include "tensor/safetensors.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

// Some rows of one tensor: a unit of parallel work. Of permuted tensors whole heads, so that source and
// destination are the same rows in another order.
struct Job {
  const Parameter* parameter;
  const StoredTensor* stored;
  int64_t begin, end, cols;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

void add_jobs(const Parameter& p, const StoredTensor& t, std::vector<Job>* jobs) {
  if (t.shape != p.shape)
    fail("{}: tensor '{}': expected shape {}, found {}", t.file, t.name, shape_text(p.shape),
         shape_text(t.shape));
  const bool one_row = p.shape.size() == 1 && !t.permuted_heads;
  const int64_t rows = one_row ? 1 : p.shape[0], cols = p.size() / rows;
  const EncodingInfo& info = encoding_info(t.encoding);
  if (cols % info.block_values != 0)
    fail("{}: tensor '{}': rows of {} values cannot be stored as {}", t.file, t.name, cols, info.name);
  constexpr int64_t kValues = 1 << 20;  // of one job, about
  const int64_t unit = t.permuted_heads ? rows / t.permuted_heads : 1;
  const int64_t step = std::max<int64_t>(1, kValues / (unit * cols)) * unit;
  for (int64_t row = 0; row < rows; row += step)
    jobs->push_back({&p, &t, row, std::min(rows, row + step), cols});
}

void check_finite(const Job& job, const float* data) {
  const auto infinite = [](float f) { return (std::bit_cast<uint32_t>(f) & 0x7F800000u) == 0x7F800000u; };
  const int64_t begin = job.begin * job.cols, end = job.end * job.cols;
  uint32_t any = 0;
  for (int64_t i = begin; i < end; ++i) any |= infinite(data[i]);
  if (!any) return;
  const int64_t i = std::find_if(data + begin, data + end, infinite) - data;
  fail("{}: tensor '{}': value {} of {} is {}; weights must be finite", job.stored->file, job.stored->name, i,
       shape_text(job.parameter->shape), data[i]);
}

// `data` is the parameter's place.
void read_rows(const Job& job, float* data) {
  const StoredTensor& t = *job.stored;
  const EncodingInfo& info = encoding_info(t.encoding);
  const int64_t row_bytes = job.cols / info.block_values * info.block_bytes;
  const auto bytes = [&](int64_t begin, int64_t end) {
    return t.bytes.substr(static_cast<size_t>(begin * row_bytes),
                          static_cast<size_t>((end - begin) * row_bytes));
  };
  if (!t.permuted_heads) {
    dequantize(t.encoding, bytes(job.begin, job.end), data + job.begin * job.cols);
  } else {
    const int64_t head_rows = job.parameter->shape[0] / t.permuted_heads;
    for (int64_t r = job.begin; r < job.end; ++r) {
      const int64_t head = r / head_rows, i = r % head_rows;
      const int64_t to = head * head_rows + i % 2 * (head_rows / 2) + i / 2;
      dequantize(t.encoding, bytes(r, r + 1), data + to * job.cols);
    }
  }
  check_finite(job, data);
}

// Runs work(i) for i in [0, count) on all cores; throws what the smallest failing i threw.
template <class Work>
void in_parallel(int64_t count, Work work) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  int64_t failed = count;
  std::exception_ptr error;
  const auto loop = [&] {
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed) failed = i, error = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  const int64_t helpers = std::min<int64_t>(std::max(1u, std::thread::hardware_concurrency()), count) - 1;
  for (int64_t t = 0; t < helpers; ++t) threads.emplace_back(loop);
  loop();
  for (std::thread& t : threads) t.join();
  if (error) std::rethrow_exception(error);
}

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
    root = nlohmann::json::parse(read_file(path));
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

Buffer read_weights(const std::vector<Parameter>& list, const std::vector<StoredTensor>& stored) {
  COHORT_CHECK(list.size() == stored.size(), "{} parameters, {} tensors", list.size(), stored.size());
  std::vector<Job> jobs;
  for (size_t i = 0; i < list.size(); ++i) add_jobs(list[i], stored[i], &jobs);
  Buffer weights(
      parameter_floats(list));  // after the shapes are known to be the files': a lying size allocates nothing
  int64_t end = 0;
  for (const Parameter& p : list) {
    std::fill(weights.data() + end, weights.data() + p.offset, 0.0f);
    end = p.offset + p.size();
  }
  in_parallel(static_cast<int64_t>(jobs.size()), [&](int64_t i) {
    const Job& job = jobs[static_cast<size_t>(i)];
    read_rows(job, weights.data() + job.parameter->offset);
  });
  return weights;
}

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
  write_new_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace cohort
