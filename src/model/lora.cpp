#include "model/lora.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/philox.h"

namespace cohort {
namespace {

constexpr std::string_view kAllLinear = "all-linear";
constexpr std::string_view kModules[] = {"q_proj",    "k_proj",  "v_proj",       "qkv_proj", "o_proj",
                                         "gate_proj", "up_proj", "gate_up_proj", "down_proj"};

struct Projection {
  std::string_view module, path;
  int64_t outputs;
};
struct PlaceShape {
  int64_t inputs;
  std::vector<Projection> projections;  // in the order of the fused matrix
};

std::vector<PlaceShape> place_shapes(const ModelConfig& c) {
  const int64_t C = c.hidden_size, F = c.intermediate_size, q = c.attention_width(),
                kv = c.num_key_value_heads * c.head_dim;
  const PlaceShape out{q, {{"o_proj", "self_attn.o_proj", C}}}, down{F, {{"down_proj", "mlp.down_proj", C}}};
  if (c.fused_projections)
    return {{C, {{"qkv_proj", "self_attn.qkv_proj", q + 2 * kv}}},
            out,
            {C, {{"gate_up_proj", "mlp.gate_up_proj", 2 * F}}},
            down};
  return {{C,
           {{"q_proj", "self_attn.q_proj", q},
            {"k_proj", "self_attn.k_proj", kv},
            {"v_proj", "self_attn.v_proj", kv}}},
          out,
          {C, {{"gate_proj", "mlp.gate_proj", F}, {"up_proj", "mlp.up_proj", F}}},
          down};
}

bool targets(const LoraConfig& lora, std::string_view module) {
  return std::ranges::find(lora.target_modules, module) != lora.target_modules.end();
}

std::string name_of(int64_t layer, std::string_view path, char matrix) {
  return fmt::format("base_model.model.model.layers.{}.{}.lora_{}.weight", layer, path, matrix);
}

}  // namespace

double LoraConfig::scale() const {
  return lora_alpha / (use_rslora ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r));
}

std::vector<std::string> lora_modules(const ModelConfig& config) {
  std::vector<std::string> modules;
  for (const PlaceShape& place : place_shapes(config))
    for (const Projection& p : place.projections) modules.emplace_back(p.module);
  return modules;
}

std::vector<std::string> lora_targets(const std::vector<std::string>& names, const ModelConfig& config,
                                      const std::string& source) {
  const std::vector<std::string> modules = lora_modules(config);
  if (names.size() == 1 && names[0] == kAllLinear) return modules;
  for (const std::string& name : names)
    if (std::ranges::find(modules, name) == modules.end())
      fail("{}: expected names among {} (or {} alone), which {} models have, found '{}'", source,
           fmt::join(modules, ", "), kAllLinear, config.model_type, name);
  return names;
}

std::vector<std::string> lora_targets(const std::vector<std::string>& names, const std::string& source) {
  if (names.size() == 1 && names[0] == kAllLinear) return names;
  if (names.empty()) fail("{}: expected at least one of {}, found none", source, fmt::join(kModules, ", "));
  for (const std::string& name : names)
    if (std::ranges::find(kModules, name) == std::end(kModules))
      fail("{}: expected names among {} (or {} alone), found '{}'", source, fmt::join(kModules, ", "),
           kAllLinear, name);
  std::vector<std::string> ordered;
  for (std::string_view module : kModules)
    if (std::ranges::find(names, module) != names.end()) ordered.emplace_back(module);
  return ordered;
}

std::vector<Parameter> lora_parameters(const ModelConfig& config, const LoraConfig& lora) {
  std::vector<Parameter> list;
  int64_t next = 0;
  const auto add = [&](std::string name, std::vector<int64_t> shape) {
    list.push_back({std::move(name), std::move(shape), next});
    next += list.back().size();
  };
  const auto align = [&] { next = (next + 15) / 16 * 16; };
  const std::vector<PlaceShape> shapes = place_shapes(config);
  for (int64_t l = 0; l < config.num_hidden_layers; ++l)
    for (const PlaceShape& place : shapes) {
      align();
      for (const Projection& p : place.projections)
        if (targets(lora, p.module)) add(name_of(l, p.path, 'A'), {lora.r, place.inputs});
      for (const Projection& p : place.projections) {
        if (!targets(lora, p.module)) continue;
        align();
        add(name_of(l, p.path, 'B'), {p.outputs, lora.r});
      }
    }
  return list;
}

std::vector<LoraLayer> lora_views(const ModelConfig& config, const LoraConfig& lora, float* data) {
  std::map<std::string, int64_t> offsets;
  for (const Parameter& p : lora_parameters(config, lora)) offsets.emplace(p.name, p.offset);
  const std::vector<PlaceShape> shapes = place_shapes(config);
  std::vector<LoraLayer> layers(config.num_hidden_layers);
  for (int64_t l = 0; l < config.num_hidden_layers; ++l)
    for (int place = 0; place < kLoraPlaces; ++place) {
      LoraGroup& group = layers[l].places[place];
      int64_t output = 0;
      for (const Projection& p : shapes[place].projections) {
        if (targets(lora, p.module)) {
          const int64_t rank = static_cast<int64_t>(group.parts.size()) * lora.r;
          if (group.parts.empty()) group.a.data = data + offsets.at(name_of(l, p.path, 'A'));
          const Tensor b(data + offsets.at(name_of(l, p.path, 'B')), {p.outputs, lora.r});
          group.parts.push_back({output, rank, b});
        }
        output += p.outputs;
      }
      if (group)
        group.a =
            Tensor(group.a.data, {static_cast<int64_t>(group.parts.size()) * lora.r, shapes[place].inputs});
    }
  return layers;
}

Buffer initial_lora(const ModelConfig& config, const LoraConfig& lora, uint64_t seed) {
  const std::vector<Parameter> list = lora_parameters(config, lora);
  Buffer buffer(parameter_floats(list));
  buffer.zero();
  const uint64_t key = stream_key(seed, Stream::lora);
  for (size_t index = 0; index < list.size(); ++index) {
    const Parameter& p = list[index];
    if (!p.name.ends_with("lora_A.weight")) continue;
    const double bound = 1 / std::sqrt(static_cast<double>(p.shape[1]));
    float* a = buffer.data() + p.offset;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < p.size(); ++i) {
      const double u = uniforms53(key, {static_cast<uint32_t>(index), 0, static_cast<uint32_t>(i >> 32),
                                        static_cast<uint32_t>(i)})[0];
      a[i] = static_cast<float>((2 * u - 1) * bound);
    }
  }
  return buffer;
}

Adapter::Adapter(const ModelConfig& config, LoraConfig lora, Buffer weights)
    : base_(config),
      lora_(std::move(lora)),
      parameters_(lora_parameters(config, lora_)),
      weights_(std::move(weights)),
      views_(lora_views(config, lora_, weights_.data())),
      packed_(config.num_hidden_layers * kLoraPlaces) {
  COHORT_CHECK(weights_.size() == parameter_floats(parameters_), "{} floats for {}", weights_.size(),
               parameter_floats(parameters_));
  pack();
}

Adapter Adapter::copy() const {
  Buffer own(weights_.size());
  std::memcpy(own.data(), weights_.data(), static_cast<size_t>(own.size()) * sizeof(float));
  return Adapter(base_, lora_, std::move(own));
}

void Adapter::pack() {
  const float s = static_cast<float>(lora_.scale());
  const std::vector<PlaceShape> shapes = place_shapes(base_);
  Buffer buffer;
  for (size_t i = 0; i < packed_.size(); ++i) {
    const LoraGroup& group = views_[i / kLoraPlaces].places[i % kLoraPlaces];
    if (!group) continue;
    int64_t outputs = 0;
    for (const Projection& p : shapes[i % kLoraPlaces].projections) outputs += p.outputs;
    const int64_t ranks = group.a.rows();
    const Tensor b(buffer.reserve(outputs * ranks), {outputs, ranks});
    std::fill_n(b.data, b.size(), 0.0f);
    for (const LoraPart& part : group.parts)
      for (int64_t o = 0; o < part.b.rows(); ++o)
        for (int64_t k = 0; k < lora_.r; ++k) b.row(part.output + o)[part.rank + k] = s * part.b.row(o)[k];
    packed_[i].a.pack(group.a);
    packed_[i].a_t.pack_transpose(group.a);
    packed_[i].b.pack(b);
    packed_[i].b_t.pack_transpose(b);
  }
}

void Adapter::add(int64_t layer, LoraPlace place, const Tensor& x, Buffer& workspace, Tensor y) const {
  const LoraGroup& group = this->group(layer, place);
  if (!group) return;
  const Tensor t(workspace.reserve(x.rows() * group.a.rows()), {x.rows(), group.a.rows()});
  matmul(x, packed(layer, place).a, {}, {}, t);
  matmul(t, packed(layer, place).b, {}, y, y);
}

void merge_adapter(const ModelConfig& config, const Adapter& adapter, float* weights) {
  const WeightViews views = weight_views(config, weights);
  const double s = adapter.config().scale();
  const int64_t r = adapter.config().r;
  for (int64_t l = 0; l < config.num_hidden_layers; ++l) {
    const LayerWeights& w = views.layers[l];
    const Tensor matrices[kLoraPlaces] = {w.qkv, w.attention_out, w.gate_up, w.down};
    for (int place = 0; place < kLoraPlaces; ++place) {
      const LoraGroup& group = adapter.group(l, static_cast<LoraPlace>(place));
      for (const LoraPart& part : group.parts) {
#pragma omp parallel for schedule(static)
        for (int64_t o = 0; o < part.b.rows(); ++o) {
          float* row = matrices[place].row(part.output + o);
          std::vector<double> sum(group.a.cols());
          for (int64_t k = 0; k < r; ++k) {
            const double b = s * double{part.b.row(o)[k]};
            const float* a = group.a.row(part.rank + k);
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += b * double{a[i]};
          }
          for (size_t i = 0; i < sum.size(); ++i) row[i] = static_cast<float>(double{row[i]} + sum[i]);
        }
      }
    }
  }
}

int64_t packed_lora_floats(const ModelConfig& config, const LoraConfig& lora) {
  const auto padded = [](int64_t n) { return (n + 31) / 32 * 32; };
  int64_t floats = 0;
  for (const PlaceShape& place : place_shapes(config)) {
    int64_t ranks = 0, outputs = 0;
    for (const Projection& p : place.projections) {
      ranks += targets(lora, p.module) ? lora.r : 0;
      outputs += p.outputs;
    }
    if (ranks > 0)
      floats += padded(ranks) * (place.inputs + outputs) + ranks * (padded(place.inputs) + padded(outputs));
  }
  return floats * config.num_hidden_layers;
}

}  // namespace cohort
