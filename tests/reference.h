// The model once more, in plain double-precision loops: one path at a time, no blocks, no cache, nothing
// shared with src/ but the list of parameter names. Slow and readable: the real kernels are measured against
// it, their gradients against its finite differences. Angles of rope are products in float, because that is
// how the families define them.
#pragma once

#include <cmath>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "support.h"

namespace cohort::testing {

struct ReferenceRows {
  std::vector<double> log_prob, entropy;  // (R)
};

class Reference {
 public:
  using Vector = std::vector<double>;

  Reference(const ModelConfig& config, std::span<const float> flat)
      : c(config), weights(flat.begin(), flat.end()) {
    for (const Parameter& p : parameter_list(config)) {
      offsets_[p.name] = p.offset;
      const auto part = [&](const char* fused, const char* name, int64_t rows_before) {
        const size_t at = p.name.find(fused);
        if (at == std::string::npos) return;
        std::string own = p.name;
        offsets_[own.replace(at, std::string(fused).size(), name)] = p.offset + rows_before * c.hidden_size;
      };
      part("qkv_proj", "q_proj", 0);
      part("qkv_proj", "k_proj", c.attention_width());
      part("qkv_proj", "v_proj", c.attention_width() + c.num_key_value_heads * c.head_dim);
      part("gate_up_proj", "gate_proj", 0);
      part("gate_up_proj", "up_proj", c.intermediate_size);
    }
  }

  ModelConfig c;
  Vector weights;  // in the layout of parameter_list

  // Logits of every position of one path.
  std::vector<Vector> logits(std::span<const int32_t> tokens) const {
    const int64_t C = c.hidden_size, F = c.intermediate_size, T = static_cast<int64_t>(tokens.size());
    const int64_t H = c.num_attention_heads, K = c.num_key_value_heads, D = c.head_dim;
    std::vector<Vector> x(T);
    for (int64_t t = 0; t < T; ++t) {
      const double* row = tensor("model.embed_tokens.weight") + tokens[t] * C;
      x[t].assign(row, row + C);
    }
    for (int64_t l = 0; l < c.num_hidden_layers; ++l) {
      const std::string layer = "model.layers." + std::to_string(l) + ".", attn = layer + "self_attn.";
      std::vector<Vector> q(T), k(T), v(T);
      for (int64_t t = 0; t < T; ++t) {
        const Vector h = norm(x[t], layer + "input_layernorm.weight");
        q[t] = linear(h, attn + "q_proj", H * D);
        k[t] = linear(h, attn + "k_proj", K * D);
        v[t] = linear(h, attn + "v_proj", K * D);
        for (int64_t head = 0; head < H; ++head) prepare(&q[t][head * D], attn + "q_norm.weight", t);
        for (int64_t head = 0; head < K; ++head) prepare(&k[t][head * D], attn + "k_norm.weight", t);
      }
      for (int64_t t = 0; t < T; ++t) {
        Vector mixed(H * D, 0.0);
        for (int64_t head = 0; head < H; ++head) {
          const int64_t kv = head / (H / K);
          Vector p(t + 1, -INFINITY);
          const int64_t first = c.sliding_window > 0 && c.windowed_layers[l] ? t - c.sliding_window + 1 : 0;
          for (int64_t s = std::max<int64_t>(0, first); s <= t; ++s) {
            p[s] = 0;
            for (int64_t d = 0; d < D; ++d) p[s] += q[t][head * D + d] * k[s][kv * D + d];
            p[s] /= std::sqrt(double(D));
          }
          const double lse = log_sum_exp(p);
          for (int64_t s = 0; s <= t; ++s)
            for (int64_t d = 0; d < D; ++d) mixed[head * D + d] += std::exp(p[s] - lse) * v[s][kv * D + d];
        }
        add(x[t], linear(mixed, attn + "o_proj", C));
      }
      for (int64_t t = 0; t < T; ++t) {
        const Vector h = norm(x[t], layer + "post_attention_layernorm.weight");
        Vector gate = linear(h, layer + "mlp.gate_proj", F);
        const Vector up = linear(h, layer + "mlp.up_proj", F);
        for (int64_t f = 0; f < F; ++f) gate[f] *= up[f] / (1 + std::exp(-gate[f]));
        add(x[t], linear(gate, layer + "mlp.down_proj", C));
      }
    }
    const std::string head = c.tie_word_embeddings ? "model.embed_tokens" : "lm_head";
    for (Vector& row : x) row = linear(norm(row, "model.norm.weight"), head, c.vocab_size);
    return x;
  }

  // Every root-to-leaf path alone; a head row is read off the first path that holds its node.
  ReferenceRows rows(const TokenTree& tree, double temperature) const {
    const size_t R = tree.rows.size();
    ReferenceRows result{Vector(R, NAN), Vector(R, NAN)};
    for (const std::vector<int32_t>& path : leaf_paths(tree)) {
      std::vector<int32_t> tokens;
      for (int32_t node : path) tokens.push_back(tree.tokens[node]);
      std::vector<Vector> z = logits(tokens);
      for (Vector& row : z)
        for (double& value : row) value /= temperature;
      for (size_t t = 0; t < path.size(); ++t) {
        for (size_t r = 0; r < R; ++r) {
          if (tree.rows[r].node != path[t] || !std::isnan(result.log_prob[r])) continue;
          const double lse = log_sum_exp(z[t]);
          result.log_prob[r] = z[t][tree.rows[r].target] - lse;
          result.entropy[r] = 0;
          for (double value : z[t]) result.entropy[r] -= std::exp(value - lse) * (value - lse);
        }
      }
    }
    return result;
  }

  // sum_r seed_r * log_prob_r + entropy_seed_r * entropy_r: what backward differentiates.
  double objective(const TokenTree& tree, const RowSeeds& seeds, double temperature) const {
    const ReferenceRows out = rows(tree, temperature);
    double sum = 0;
    for (size_t r = 0; r < tree.rows.size(); ++r) {
      sum += seeds.log_prob[r] * out.log_prob[r];
      if (!seeds.entropy.empty()) sum += seeds.entropy[r] * out.entropy[r];
    }
    return sum;
  }

 private:
  bool has(const std::string& name) const { return offsets_.contains(name); }
  const double* tensor(const std::string& name) const { return weights.data() + offsets_.at(name); }

  // W x [+ bias]
  Vector linear(const Vector& x, const std::string& name, int64_t outputs) const {
    const double* w = tensor(name + ".weight");
    Vector y(outputs, 0.0);
    for (int64_t n = 0; n < outputs; ++n) {
      for (size_t k = 0; k < x.size(); ++k) y[n] += w[n * x.size() + k] * x[k];
      if (has(name + ".bias")) y[n] += tensor(name + ".bias")[n];
    }
    return y;
  }

  Vector norm(const Vector& x, const std::string& name) const {
    Vector y = x;
    norm_in_place(y.data(), y.size(), tensor(name));
    return y;
  }

  void norm_in_place(double* x, size_t width, const double* w) const {
    double sum = 0;
    for (size_t i = 0; i < width; ++i) sum += x[i] * x[i];
    const double rstd = 1 / std::sqrt(sum / width + c.rms_norm_eps);
    for (size_t i = 0; i < width; ++i) x[i] *= rstd * w[i];
  }

  // A query or key head: its norm, where the family has one, and its rotation.
  void prepare(double* x, const std::string& norm_name, int64_t position) const {
    const int64_t D = c.head_dim;
    if (has(norm_name)) norm_in_place(x, D, tensor(norm_name));
    for (int64_t i = 0; i < D / 2; ++i) {
      const float angle = static_cast<float>(position) * static_cast<float>(frequency(i));
      const double scale = c.rope_scaling.attention_factor;
      const double cos = scale * std::cos(double(angle)), sin = scale * std::sin(double(angle));
      const double a = x[i], b = x[i + D / 2];
      x[i] = a * cos - b * sin;
      x[i + D / 2] = b * cos + a * sin;
    }
  }

  double frequency(int64_t i) const {
    const RopeScaling& s = c.rope_scaling;
    const double plain = std::pow(c.rope_theta, -2.0 * i / c.head_dim);
    if (s.kind == RopeScaling::Kind::none) return plain;
    if (s.kind == RopeScaling::Kind::linear) return plain / s.factor;
    if (s.kind == RopeScaling::Kind::dynamic) return plain;
    if (s.kind == RopeScaling::Kind::longrope) return plain / s.short_factor.at(static_cast<size_t>(i));
    if (s.kind == RopeScaling::Kind::yarn) {
      const auto pair = [&](double turns) {
        return c.head_dim * std::log(s.original_max_position_embeddings / (turns * 2 * M_PI)) / (2 * std::log(c.rope_theta));
      };
      const double low = std::max(0.0, std::floor(pair(s.beta_fast)));
      const double high = std::min(c.head_dim - 1.0, std::ceil(pair(s.beta_slow)));
      const double divided = std::clamp((i - low) / (high - low), 0.0, 1.0);
      return divided * plain / s.factor + (1 - divided) * plain;
    }
    // Llama 3: long waves are slowed down by the factor, short ones kept, those between interpolated.
    const double turns = s.original_max_position_embeddings * plain / (2 * M_PI);
    if (turns < s.low_freq_factor) return plain / s.factor;
    if (turns > s.high_freq_factor) return plain;
    const double smooth = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
    return (1 - smooth) * plain / s.factor + smooth * plain;
  }

  static double log_sum_exp(const Vector& x) {
    double top = -INFINITY, sum = 0;
    for (double value : x) top = std::max(top, value);
    for (double value : x) sum += std::exp(value - top);
    return top + std::log(sum);
  }
  static void add(Vector& x, const Vector& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  std::map<std::string, int64_t> offsets_;
};

}  // namespace cohort::testing
