// A model: configuration, weights, and the packed copies that the kernels read. One object serves policy,
// reference, critic and teacher alike; which it is depends on who calls.
#pragma once

#include <vector>

#include "model/weights.h"
#include "ops/matmul.h"

namespace cohort {

struct PackedLayer {
  PackedWeight qkv, attention_out, gate_up, down;
};

class Model {
 public:
  // Takes the flat buffer of parameter_list(config) and packs it.
  Model(ModelConfig config, Buffer weights);

  const ModelConfig& config() const { return config_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  int64_t floats() const { return weights_.size(); }
  // Writers call pack() when they are done: rollout and training read the packed copies.
  Tensor flat() const { return weights_.tensor({weights_.size()}); }
  const WeightViews& weights() const { return views_; }
  void pack();

  const PackedLayer& packed(int64_t layer) const { return packed_[layer]; }
  const PackedWeight& packed_head() const { return packed_head_; }
  // Rope rows up to max_position_embeddings are ready from the start.
  const RopeTable& rope() const { return rope_; }

 private:
  ModelConfig config_;
  std::vector<Parameter> parameters_;
  Buffer weights_;
  WeightViews views_;
  std::vector<PackedLayer> packed_;
  PackedWeight packed_head_;
  RopeTable rope_;
};

// Random weights as Hugging Face initialises them: matrices normal(0, 0.02), norms 1, biases 0, by Philox.
Buffer random_weights(const ModelConfig& config, uint64_t seed, double std = 0.02);

}  // namespace cohort
