// The weights of a model: one flat buffer, and the list of its tensors, named once. Gradients and optimizer
// moments are buffers of the same layout, so whatever walks over parameters walks over this list.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace cohort {

struct Parameter {
  std::string name;            // Hugging Face's name
  std::vector<int64_t> shape;  // as Hugging Face stores it: (out, in) or (width)
  int64_t offset;              // floats from the start of the buffer
  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    return n;
  }
};

// All parameters in buffer order. q, k, v of a layer are neighbours, and so are gate and up: each reads as
// one matrix. Every tensor starts at a multiple of 16 floats, except inside those fused groups.
// lm_head.weight is absent when tied; with a scalar head score.weight (1, C) takes its place, so a scalar
// model's layout is a language model's up to the head.
std::vector<Parameter> parameter_list(const ModelConfig& config);
int64_t parameter_floats(const std::vector<Parameter>& list);  // floats of the whole buffer

// Views of one layer's tensors. Absent tensors are empty.
struct LayerWeights {
  Tensor attention_norm;      // (C)
  Tensor qkv;                 // ((H + 2K) * D, C): q, k, v
  Tensor qkv_bias;            // ((H + 2K) * D)
  Tensor q_norm, k_norm;      // (D)
  Tensor attention_out;       // (C, H * D)
  Tensor attention_out_bias;  // (C)
  Tensor mlp_norm;            // (C)
  Tensor gate_up;             // (2F, C): gate, up
  Tensor gate_up_bias;        // (2F)
  Tensor down;                // (C, F)
  Tensor down_bias;           // (C)
};

struct WeightViews {
  Tensor embedding;  // (V, C)
  std::vector<LayerWeights> layers;
  Tensor final_norm;  // (C)
  Tensor head;        // (V, C); the embedding itself when tied; (1, C) where it is scalar
};

// The same layout serves weights, gradients and moments. Of `list`, which may be a part of
// parameter_list(config) in its order and with offsets of its own; what is not there is empty.
WeightViews weight_views(const ModelConfig& config, float* data);
WeightViews weight_views(const ModelConfig& config, const std::vector<Parameter>& list, float* data);

// What is kept as it is while the rest of a model is trained.
struct Frozen {
  bool embeddings = false;  // model.embed_tokens; of a tied model that is its head too
  int64_t layers = 0;       // the first so many
};

// parameter_list without what is frozen, with offsets in a buffer of its own.
std::vector<Parameter> trained_parameters(const ModelConfig& config, const Frozen& frozen);

// Norms and biases alone, the same way.
std::vector<Parameter> vector_parameters(const ModelConfig& config);

}  // namespace cohort
