// Helpers of the whole-program tests: seeded random configurations, weights, trees and seeds, comparisons of
// bits, and a folder that disappears. Shapes as in model/config.h; N nodes, R head rows.
#pragma once

#include <stdlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/model.h"
#include "model/transformer.h"
#include "tree/token_tree.h"

namespace cohort::testing {

// The same numbers on every platform: std's distributions are not, its engines are.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }  // inclusive
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return uniform() < p; }
  double normal() {  // the sum of 12 uniforms: near enough for weights
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<int64_t>(choices.size()))];
  }
  std::vector<int32_t> tokens(int64_t n, int64_t vocab) {
    std::vector<int32_t> result(n);
    for (int32_t& t : result) t = static_cast<int32_t>(below(vocab));
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

// A small model of any family. Widths are deliberately no multiples of vector lengths; some exceed one
// k-block of 256.
inline ModelConfig random_config(Random& random) {
  ModelConfig c;
  c.model_type = random.one_of<const char*>({"llama", "mistral", "qwen2", "qwen3", "phi3"});
  c.vocab_size = random.one_of<int64_t>({37, 97, 130, 1000});
  c.hidden_size = random.one_of<int64_t>({20, 33, 48, 64, 270});
  c.intermediate_size = random.one_of<int64_t>({40, 53, 96, 300});
  c.num_hidden_layers = random.between(1, 3);
  const auto heads = random.one_of<std::pair<int, int>>({{1, 1}, {4, 2}, {6, 2}, {3, 1}, {4, 4}});
  c.num_attention_heads = heads.first;
  c.num_key_value_heads = heads.second;
  c.head_dim = random.one_of<int64_t>({8, 10, 16, 24, 40});
  c.max_position_embeddings = 512;
  c.rms_norm_eps = random.one_of<double>({1e-6, 1e-5, 1e-3});
  c.rope_theta = random.one_of<double>({500.0, 10000.0, 1e6});
  const int64_t scaling = random.below(5);
  if (scaling == 1) c.rope_scaling = {RopeScaling::Kind::linear, 2.0, 1, 4, 8192};
  if (scaling == 2) c.rope_scaling = {RopeScaling::Kind::llama3, 8.0, 1.0, 4.0, 64};
  if (scaling == 3) {
    c.rope_scaling = {RopeScaling::Kind::yarn, 4.0, 1, 4, 32};
    c.rope_scaling.attention_factor = 1.2;
    c.rope_scaling.beta_fast = 3;
  }
  if (scaling == 4) {
    c.rope_scaling = {RopeScaling::Kind::longrope, 4.0, 1, 4, 512};
    c.rope_scaling.attention_factor = 1.1;
    for (int64_t i = 0; i < c.head_dim / 2; ++i) c.rope_scaling.short_factor.push_back(1 + 0.25 * static_cast<double>(i));
  }
  if (c.model_type == "mistral" || random.chance(0.3)) {
    c.sliding_window = random.one_of<int64_t>({2, 3, 8, 40});
    for (int64_t l = 0; l < c.num_hidden_layers; ++l)
      c.windowed_layers.push_back(l == 0 || !c.model_type.starts_with("qwen") || random.chance(0.5));
    if (c.model_type == "llama") c.model_type = "mistral";
  }
  c.fused_projections = c.model_type == "phi3";
  c.tie_word_embeddings = random.chance(0.5);
  c.qk_norm = c.model_type == "qwen3";
  c.attention_bias = c.model_type == "qwen2" || (c.model_type == "llama" && random.chance(0.4));
  c.attention_out_bias = c.model_type == "llama" && c.attention_bias;
  c.mlp_bias = c.model_type == "llama" && random.chance(0.4);
  return c;
}

// Weights as a trained model might have them: random norms and biases too, logits with a standard deviation
// near 2.5.
inline Buffer lively_weights(const ModelConfig& config, Random& random) {
  const std::vector<Parameter> list = parameter_list(config);
  Buffer buffer(parameter_floats(list));
  buffer.zero();
  for (const Parameter& p : list) {
    const bool embedding = p.name.find("embed_tokens") != std::string::npos;
    const bool head = p.name == "lm_head.weight";
    const bool final_norm = p.name == "model.norm.weight";
    // A tied head has the embedding's small weights, so the final norm makes up for them.
    const double small = 0.05,
                 last = config.tie_word_embeddings ? 2.5 / (small * std::sqrt(config.hidden_size)) : 1.0;
    for (int64_t i = 0; i < p.size(); ++i) {
      double value;
      if (p.shape.size() == 2)
        value = random.normal() * (embedding ? small : (head ? 2.5 : 1.2) / std::sqrt(double(p.shape[1])));
      else if (p.name.ends_with(".bias"))
        value = 0.3 * random.normal();
      else
        value = (0.5 + random.uniform()) * (final_norm ? last : 1.0);
      buffer.data()[p.offset + i] = static_cast<float>(value);
    }
  }
  return buffer;
}


// An adapter of random rank and targets whose products count.
inline Adapter lively_adapter(const ModelConfig& config, Random& random) {
  LoraConfig lora;
  lora.r = random.one_of<int64_t>({1, 3, 8, 33, 100});
  lora.lora_alpha = random.one_of<double>({1.0, 5.0, 32.0});
  lora.use_rslora = random.chance(0.5);
  lora.target_modules.clear();
  while (lora.target_modules.empty())
    for (const std::string& module : lora_modules(config))
      if (random.chance(0.6)) lora.target_modules.emplace_back(module);
  const std::vector<Parameter> list = lora_parameters(config, lora);
  Buffer buffer(parameter_floats(list));
  buffer.zero();
  const double size = std::sqrt(0.5 / lora.scale());  // of A and of B
  for (const Parameter& p : list)
    for (int64_t i = 0; i < p.size(); ++i)
      buffer.data()[p.offset + i] =
          static_cast<float>(size * random.normal() / std::sqrt(double(p.shape[1])));
  return Adapter(config, lora, std::move(buffer));
}

inline Model lively_model(const ModelConfig& config, Random& random) {
  return Model(config, lively_weights(config, random));
}

// `roots` trees: each a prompt with inner segments (some empty) and completions, up to three levels; one in
// four is a lone prompt with a single completion. Some rows ask for tokens inside the prompt, so one node may
// be asked for several targets.
inline TokenTree random_forest(Random& random, int64_t vocab, int64_t roots, int64_t longest_segment = 60) {
  TokenTree tree;
  for (int64_t r = 0; r < roots; ++r) {
    const int32_t root = tree.add(-1, random.tokens(random.between(1, longest_segment), vocab));
    std::vector<int32_t> parents{root};
    if (random.chance(0.75)) {
      for (int64_t i = random.below(3); i > 0; --i) {
        const int64_t length = random.chance(0.15) ? 0 : random.between(1, longest_segment / 2);
        parents.push_back(tree.add(parents[random.below(parents.size())], random.tokens(length, vocab)));
      }
      for (int64_t i = random.between(1, 4); i > 0; --i)
        tree.add_completion(parents[random.below(parents.size())],
                            random.tokens(random.between(1, longest_segment), vocab));
    } else {
      tree.add_completion(root, random.tokens(random.between(1, longest_segment), vocab));
    }
    const Segment prompt = tree.segments[root];
    if (random.chance(0.5))
      tree.rows.push_back({prompt.begin + static_cast<int32_t>(random.below(prompt.length())),
                           static_cast<int32_t>(random.below(vocab))});
  }
  return tree;
}

inline RowSeeds random_seeds(Random& random, const TokenTree& tree, bool with_entropy = true) {
  RowSeeds seeds;
  for (size_t i = 0; i < tree.rows.size(); ++i) {
    seeds.log_prob.push_back(static_cast<float>(random.normal()));
    if (with_entropy) seeds.entropy.push_back(static_cast<float>(random.normal()));
  }
  return seeds;
}

// The seeds of some of the rows, as extract_trees lists them.
inline RowSeeds seeds_of(const RowSeeds& all, std::span<const int32_t> rows) {
  RowSeeds seeds;
  for (int32_t r : rows) {
    seeds.log_prob.push_back(all.log_prob[r]);
    if (!all.entropy.empty()) seeds.entropy.push_back(all.entropy[r]);
  }
  return seeds;
}

// The nodes of every root-to-leaf path, by segment that nothing follows.
inline std::vector<std::vector<int32_t>> leaf_paths(const TokenTree& tree) {
  std::vector<bool> inner(tree.segments.size());
  for (const Segment& s : tree.segments)
    if (s.parent >= 0) inner[s.parent] = true;
  std::vector<std::vector<int32_t>> paths;
  for (size_t leaf = 0; leaf < tree.segments.size(); ++leaf) {
    if (inner[leaf]) continue;
    std::vector<int32_t> path;
    for (int32_t s = static_cast<int32_t>(leaf); s >= 0; s = tree.segments[s].parent)
      for (int32_t node = tree.segments[s].end - 1; node >= tree.segments[s].begin; --node)
        path.push_back(node);
    paths.emplace_back(path.rbegin(), path.rend());
  }
  return paths;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
inline std::span<const float> floats(const Tensor& t) { return {t.data, static_cast<size_t>(t.size())}; }
inline std::vector<float> copy(const Tensor& t) { return {t.data, t.data + t.size()}; }

// |a - b| / |b| in norm; 0 for two zero vectors.
inline double relative_error(std::span<const float> a, std::span<const float> b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    norm += double(b[i]) * b[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

// A fresh folder under the system's temporary one, removed with all that is in it.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cohort-XXXXXX").string();
    if (!mkdtemp(pattern.data())) fail("{}: cannot make a temporary folder", pattern);
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cohort::testing
