#include "model/activations.h"

namespace cohort {
namespace {

int64_t round16(int64_t n) { return (n + 15) / 16 * 16; }

// The widths of what a layer saves besides its input, in LayerActivations' order.
struct Widths {
  int64_t qkv, q_raw, k_raw, q_rstd, k_rstd, attention, lse, x_mid, gate_up;
  Widths(const ModelConfig& c, Activations::Keep keep)
      : qkv(c.qkv_width()),
        q_raw(c.qk_norm ? c.num_attention_heads * c.head_dim : 0),
        k_raw(c.qk_norm ? c.num_key_value_heads * c.head_dim : 0),
        q_rstd(c.qk_norm ? c.num_attention_heads : 0),
        k_rstd(c.qk_norm ? c.num_key_value_heads : 0),
        attention(c.attention_width()),
        lse(c.num_attention_heads),
        x_mid(c.hidden_size),
        gate_up(keep == Activations::Keep::all ? 2 * c.intermediate_size : 0) {}
  int64_t sum() const {  // 2: the rstds of the two norms
    return 2 + qkv + q_raw + k_raw + q_rstd + k_rstd + attention + lse + x_mid + gate_up;
  }
};

int64_t saved_layers(const ModelConfig& c, Activations::Keep keep) {
  return keep == Activations::Keep::all ? c.num_hidden_layers : 1;
}
int64_t saved_inputs(const ModelConfig& c, Activations::Keep keep) {
  return keep == Activations::Keep::none ? 2 : c.num_hidden_layers + 1;
}

}  // namespace

int64_t layer_activation_floats(const ModelConfig& config) {
  return config.hidden_size + Widths(config, Activations::Keep::all).sum();
}

int64_t Activations::bytes(const ModelConfig& c, int64_t rows, Keep keep) {
  const int64_t capacity = round16(rows);
  return 4 * capacity *
         (saved_layers(c, keep) * Widths(c, keep).sum() + saved_inputs(c, keep) * c.hidden_size);
}

void Activations::reset(const ModelConfig& config, int64_t rows, Keep keep) {
  config_ = config;
  keep_ = keep;
  capacity_ = round16(rows);
  rows_ = 0;
  inputs_.reserve(capacity_ * saved_inputs(config, keep) * config.hidden_size);
  layers_.reserve(capacity_ * saved_layers(config, keep) * Widths(config, keep).sum());
}

int64_t Activations::append(int64_t n) {
  if (keep_ != Keep::all) rows_ = 0;  // shared workspaces hold one call's rows
  COHORT_CHECK(rows_ + n <= capacity_, "{} rows after {} of {}", n, rows_, capacity_);
  rows_ += n;
  return rows_ - n;
}

LayerActivations Activations::layer(int64_t l, int64_t begin, int64_t n) const {
  const Widths w(config_, keep_);
  float* next = layers_.data() + (keep_ == Keep::all ? l : 0) * capacity_ * w.sum();
  auto take = [&](int64_t width, bool wanted = true) {
    float* base = next;
    next += capacity_ * width;
    return width && wanted ? Tensor(base + begin * width, {n, width}) : Tensor();
  };
  const bool for_backward = keep_ != Keep::none;  // else these are left empty and the ops do not write them
  LayerActivations a;
  const int64_t slot = keep_ == Keep::none ? l % 2 : l;
  a.x = Tensor(inputs_.data() + (slot * capacity_ + begin) * config_.hidden_size, {n, config_.hidden_size});
  a.norm_rstd = take(1, for_backward);
  a.mid_rstd = take(1, for_backward);
  a.qkv = take(w.qkv);
  a.q_raw = take(w.q_raw, for_backward);
  a.k_raw = take(w.k_raw, for_backward);
  a.q_rstd = take(w.q_rstd, for_backward);
  a.k_rstd = take(w.k_rstd, for_backward);
  a.attention = take(w.attention);
  a.lse = take(w.lse, for_backward);
  a.x_mid = take(w.x_mid);
  a.gate_up = take(w.gate_up);
  return a;
}

Tensor Activations::output(int64_t begin, int64_t n) const {
  const int64_t slot = keep_ == Keep::none ? config_.num_hidden_layers % 2 : config_.num_hidden_layers;
  return Tensor(inputs_.data() + (slot * capacity_ + begin) * config_.hidden_size, {n, config_.hidden_size});
}

}  // namespace cohort
