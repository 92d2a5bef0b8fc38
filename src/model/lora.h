// LoRA (Hu et al. 2021, arXiv 2106.09685): beside a frozen weight W (out, in) a product of low rank is
// trained,
//   y = W x + s B (A x),  A (r, in), B (out, r),  s = alpha / r, or alpha / sqrt(r) with rsLoRA,
// added to what the base computed, bias and residual included. Layers read q, k, v as one matrix, and so gate
// and up: such a place has the A's of its targets one under another and its B's as one block-diagonal matrix,
// so each place costs two products. The bits of a row depend on that row alone, as everywhere.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/weights.h"
#include "ops/matmul.h"

namespace cohort {

// In PEFT's names.
struct LoraConfig {
  int64_t r = 16;
  double lora_alpha = 32;
  bool use_rslora = false;
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};  // in the order of the layer

  double scale() const;
  bool operator==(const LoraConfig&) const = default;
};

// What can be targeted of a model: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or where the file
// stores them as one, qkv_proj and gate_up_proj.
std::vector<std::string> lora_modules(const ModelConfig& config);

// `names`, each once and in order; "all-linear" alone stands for all, and stays. Throws Error "SOURCE: ..." at a
// name that no model has, or none.
std::vector<std::string> lora_targets(const std::vector<std::string>& names, const std::string& source);
// Such names for a model, all-linear written out. Throws Error at one that it does not have.
std::vector<std::string> lora_targets(const std::vector<std::string>& names, const ModelConfig& config,
                                      const std::string& source);

// The places of a layer where a product may be added.
enum class LoraPlace { qkv, attention_out, gate_up, down };
inline constexpr int kLoraPlaces = 4;

// One targeted projection of a place.
struct LoraPart {
  int64_t output;  // the first of its outputs among the place's
  int64_t rank;    // the first of its rows of the place's A
  Tensor b;        // (out, r)
};
struct LoraGroup {
  Tensor a;  // (targets x r, in)
  std::vector<LoraPart> parts;
  explicit operator bool() const { return !parts.empty(); }
};
struct LoraLayer {
  LoraGroup places[kLoraPlaces];
  const LoraGroup& at(LoraPlace place) const { return places[static_cast<int>(place)]; }
};

// The tensors under PEFT's names, in buffer order (gaps are as in parameter_list), and views of such a
// buffer.
std::vector<Parameter> lora_parameters(const ModelConfig& config, const LoraConfig& lora);
std::vector<LoraLayer> lora_views(const ModelConfig& config, const LoraConfig& lora, float* data);

// A as PEFT initialises it, uniform in +-1 / sqrt(in), by Philox; B zero: the adapted model is the base.
Buffer initial_lora(const ModelConfig& config, const LoraConfig& lora, uint64_t seed);

struct PackedLora {
  PackedWeight a, b;      // b is block-diagonal, times s
  PackedWeight a_t, b_t;  // their transposes, for backward
};

class Adapter {
 public:
  // Takes the flat buffer of lora_parameters(config, lora) and packs it.
  Adapter(const ModelConfig& config, LoraConfig lora, Buffer weights);
  Adapter copy() const;

  const LoraConfig& config() const { return lora_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // Writers call pack() when they are done.
  Tensor flat() const { return weights_.tensor({weights_.size()}); }
  void pack();

  const LoraGroup& group(int64_t layer, LoraPlace place) const { return views_[layer].at(place); }
  const PackedLora& packed(int64_t layer, LoraPlace place) const {
    return packed_[layer * kLoraPlaces + static_cast<int>(place)];
  }
  // y (n, out) += s B (A x), x (n, in); nothing where the place has no target.
  void add(int64_t layer, LoraPlace place, const Tensor& x, Buffer& workspace, Tensor y) const;

 private:
  ModelConfig base_;
  LoraConfig lora_;
  std::vector<Parameter> parameters_;
  Buffer weights_;
  std::vector<LoraLayer> views_;
  std::vector<PackedLora> packed_;  // [layer][place]
};

// W += s B A in the base's flat weights, each element's sum in double and rounded once.
void merge_adapter(const ModelConfig& config, const Adapter& adapter, float* weights);

// Floats of what an adapter keeps packed.
int64_t packed_lora_floats(const ModelConfig& config, const LoraConfig& lora);

}  // namespace cohort
