#include "model/model.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/philox.h"
#include "ops/embedding.h"

namespace cohort {

Model::Model(ModelConfig config, Buffer weights)
    : config_(std::move(config)), parameters_(parameter_list(config_)), weights_(std::move(weights)) {
  COHORT_CHECK(weights_.size() == parameter_floats(parameters_), "{} floats for {}", weights_.size(),
               parameter_floats(parameters_));
  views_ = weight_views(config_, weights_.data());
  packed_.resize(config_.num_hidden_layers);
  make_rope();
  pack();
}

Model::Model(ModelConfig config, const std::vector<StoredTensor>& stored, FrozenDtype dtype)
    : config_(std::move(config)), parameters_(parameter_list(config_)), in_panels_(true) {
  const std::vector<Parameter> vectors = vector_parameters(config_);
  std::vector<StoredTensor> stored_vectors;
  for (const StoredTensor& t : stored)
    if (t.shape.size() == 1) stored_vectors.push_back(t);
  weights_ = read_weights(vectors, stored_vectors);
  views_ = weight_views(config_, vectors, weights_.data());
  packed_.resize(config_.num_hidden_layers);
  const std::vector<const PackedWeight*> places = matrices();
  const std::vector<FrozenMatrix> list = frozen_matrices(config_, stored, dtype);
  for (size_t i = 0; i < list.size(); ++i)
    read_matrix(list[i], parameters_, stored, const_cast<PackedWeight&>(*places[i]));
  make_rope();
}

void Model::make_rope() {
  rope_ = RopeTable(rope_frequencies(config_.head_dim, config_.rope_theta, config_.rope_scaling),
                    config_.rope_scaling.attention_factor);
  rope_.grow(config_.max_position_embeddings);
}

std::vector<const PackedWeight*> Model::matrices() const {
  std::vector<const PackedWeight*> list{&packed_embedding_};
  for (const PackedLayer& l : packed_) list.insert(list.end(), {&l.qkv, &l.attention_out, &l.gate_up, &l.down});
  list.push_back(&packed_head_);
  return list;
}

Buffer Model::copy_weights() const {
  Buffer own(floats());
  own.zero();
  const std::vector<Parameter> there = in_panels_ ? vector_parameters(config_) : parameters_;
  size_t at = 0;
  for (const Parameter& p : there) {
    while (parameters_[at].name != p.name) ++at;
    std::copy_n(weights_.data() + p.offset, p.size(), own.data() + parameters_[at].offset);
  }
  if (!in_panels_) return own;
  const std::vector<FrozenMatrix> list = frozen_matrices(config_, {}, FrozenDtype::float32);
  const std::vector<const PackedWeight*> held = matrices();
  for (size_t i = 0; i < list.size(); ++i) {
    float* const data = own.data() + parameters_[list[i].first].offset;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < list[i].rows; ++row) held[i]->read_row(row, data + row * list[i].cols);
  }
  return own;
}

Tensor Model::flat() const {
  COHORT_CHECK(!in_panels_, "the weights are in panels");
  return weights_.tensor({weights_.size()});
}

void Model::embed(std::span<const int32_t> tokens, Tensor x) const {
  if (in_panels_)
    embedding_forward(packed_embedding_, tokens, x);
  else
    embedding_forward(views_.embedding, tokens, x);
}

void Model::pack() {
  COHORT_CHECK(!in_panels_, "the weights are in panels");
  for (size_t l = 0; l < packed_.size(); ++l) {
    const LayerWeights& w = views_.layers[l];
    packed_[l].qkv.pack(w.qkv);
    packed_[l].attention_out.pack(w.attention_out);
    packed_[l].gate_up.pack(w.gate_up);
    packed_[l].down.pack(w.down);
  }
  packed_head_.pack(views_.head);
}

std::vector<TrainedParameter> Model::trained() const {
  std::vector<TrainedParameter> list;
  if (adapter_) {
    for (const Parameter& p : adapter_->parameters()) list.push_back({p, adapter_->flat().data + p.offset});
    return list;
  }
  size_t at = 0;
  for (const Parameter& p : trained_parameters(config_, frozen_)) {
    while (parameters_[at].name != p.name) ++at;
    list.push_back({p, weights_.data() + parameters_[at].offset});
  }
  return list;
}

Tensor Model::trained_flat() const {
  COHORT_CHECK(!frozen_.embeddings && frozen_.layers == 0, "frozen tensors lie between those trained");
  return adapter_ ? adapter_->flat() : flat();
}

void Model::pack_trained() {
  if (adapter_)
    adapter_->pack();
  else
    pack();
}

int64_t Model::first_trained_layer() const {
  return !adapter_ && frozen_.embeddings ? std::min(frozen_.layers, config_.num_hidden_layers) : 0;
}

Buffer random_weights(const ModelConfig& config, uint64_t seed, double std) {
  const std::vector<Parameter> list = parameter_list(config);
  Buffer buffer(parameter_floats(list));
  buffer.zero();
  for (size_t index = 0; index < list.size(); ++index) {
    const Parameter& p = list[index];
    float* w = buffer.data() + p.offset;
    if (p.name.ends_with("norm.weight")) {
      for (int64_t i = 0; i < p.size(); ++i) w[i] = 1.0f;
    } else if (p.shape.size() == 2) {
      // Box-Muller: two normals from one block.
      const uint64_t key = stream_key(seed, Stream::init);
#pragma omp parallel for schedule(static)
      for (int64_t pair = 0; pair < (p.size() + 1) / 2; ++pair) {
        const auto [u, v] = uniforms53(key, {static_cast<uint32_t>(index), 0,
                                             static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair)});
        const double radius = std * std::sqrt(-2.0 * cohort::log(1.0 - u)), angle = 6.283185307179586 * v;
        w[2 * pair] = static_cast<float>(radius * cohort::cos(angle));
        if (2 * pair + 1 < p.size()) w[2 * pair + 1] = static_cast<float>(radius * cohort::sin(angle));
      }
    }
  }
  return buffer;
}

}  // namespace cohort
