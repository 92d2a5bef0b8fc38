// A model: configuration, weights, and the packed copies that the kernels read. One object serves policy,
// reference, critic and teacher alike; which it is depends on who calls.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/frozen_weights.h"
#include "model/lora.h"
#include "model/weights.h"
#include "ops/matmul.h"

namespace cohort {

struct PackedLayer {
  PackedWeight qkv, attention_out, gate_up, down;
};

// A tensor that is trained, with its offset among gradients and moments.
struct TrainedParameter : Parameter {
  float* weights;
};

class Model {
 public:
  // Takes the flat buffer of parameter_list(config) and packs it.
  Model(ModelConfig config, Buffer weights);
  // A model that is not trained, read from its files: matrices are held once, in panels, so that weights() has
  // norms and biases alone, and flat() and pack() are not to be had.
  Model(ModelConfig config, const std::vector<StoredTensor>& stored, FrozenDtype dtype);

  const ModelConfig& config() const { return config_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  int64_t floats() const { return parameter_floats(parameters_); }  // of the base
  // Its size is that of the base; an adapter's weights are beside it.
  // Writers call pack() when they are done: rollout and training read the packed copies.
  Tensor flat() const;
  Buffer copy_weights() const;  // in the same layout, of matrices in panels the values held; without the adapter
  const WeightViews& weights() const { return views_; }
  void pack();

  // With an adapter forward adds its products, and it alone is trained. swap_adapter puts another in its
  // place (or none: the base), leaving the old one in `other`.
  void set_adapter(Adapter adapter) { adapter_ = std::make_unique<Adapter>(std::move(adapter)); }
  const Adapter* adapter() const { return adapter_.get(); }
  void swap_adapter(std::unique_ptr<Adapter>& other) { adapter_.swap(other); }
  void freeze(const Frozen& frozen) { frozen_ = frozen; }  // of a model without an adapter
  const Frozen& frozen() const { return frozen_; }

  // What is trained, and its weights as one vector (nothing may be frozen); writers of either call
  // pack_trained().
  std::vector<TrainedParameter> trained() const;
  Tensor trained_flat() const;
  void pack_trained();
  int64_t first_trained_layer() const;  // nothing below it is trained, the embedding included

  const PackedLayer& packed(int64_t layer) const { return packed_[layer]; }
  const PackedWeight& packed_head() const { return config_.tie_word_embeddings && in_panels_ ? packed_embedding_ : packed_head_; }
  void embed(std::span<const int32_t> tokens, Tensor x) const;  // x (n, C): the tokens' rows of the embedding
  // Rope rows up to max_position_embeddings are ready from the start.
  const RopeTable& rope() const { return rope_; }

 private:
  void make_rope();
  std::vector<const PackedWeight*> matrices() const;  // in panels, in the order of frozen_matrices()

  ModelConfig config_;
  std::vector<Parameter> parameters_;
  Buffer weights_;
  WeightViews views_;
  bool in_panels_ = false;  // the matrices, and nowhere else
  std::vector<PackedLayer> packed_;
  PackedWeight packed_embedding_;  // where it is in panels
  PackedWeight packed_head_;
  RopeTable rope_;
  std::unique_ptr<Adapter> adapter_;
  Frozen frozen_;
};

// Random weights as Hugging Face initialises them: matrices normal(0, 0.02), norms 1, biases 0, by Philox.
Buffer random_weights(const ModelConfig& config, uint64_t seed, double std = 0.02);

}  // namespace cohort
