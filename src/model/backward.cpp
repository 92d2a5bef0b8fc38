// backward: forward.cpp's list reversed. Activation gradients are written (=), parameter gradients continue
// their chains (+=).
#include <cstring>

#include "model/trunk.h"
#include "ops/embedding.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/swiglu.h"

namespace cohort {

Gradients::Gradients(const ModelConfig& config)
    : buffer_(parameter_floats(parameter_list(config))),
      views_(weight_views(config, buffer_.data())),
      width_(config.hidden_size) {
  zero();
}

void Gradients::zero() {
  buffer_.zero();
  tokens_.clear();
  rows_.clear();
}

void Gradients::add_embedding(std::span<const int32_t> tokens, const Tensor& dx) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  rows_.insert(rows_.end(), dx.data, dx.data + dx.size());
}

void Gradients::finish() {
  const int64_t n = static_cast<int64_t>(tokens_.size());
  if (n > 0) embedding_backward(Tensor(rows_.data(), {n, width_}), tokens_, views_.embedding);
  tokens_.clear();
  rows_.clear();
}

namespace {

// The rows `index` of a layer's saved tensors, gathered into `buffer` in the tree's order.
LayerActivations gather_layer(const LayerActivations& all, std::span<const int32_t> index, Buffer& buffer,
                              int64_t row_floats) {
  const int64_t n = static_cast<int64_t>(index.size());
  float* next = buffer.reserve(n * row_floats);
  auto take = [&](const Tensor& from) {
    if (!from) return Tensor();
    const int64_t width = from.cols();
    const Tensor to(next, {n, width});
    next += n * width;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; ++i) std::memcpy(to.row(i), from.row(index[i]), width * sizeof(float));
    return to;
  };
  LayerActivations a;
  a.x = take(all.x);
  a.norm_rstd = take(all.norm_rstd);
  a.qkv = take(all.qkv);
  a.q_raw = take(all.q_raw);
  a.k_raw = take(all.k_raw);
  a.q_rstd = take(all.q_rstd);
  a.k_rstd = take(all.k_rstd);
  a.attention = take(all.attention);
  a.lse = take(all.lse);
  a.x_mid = take(all.x_mid);
  a.mid_rstd = take(all.mid_rstd);
  a.gate_up = take(all.gate_up);
  return a;
}

}  // namespace

void Trunk::backward(const Model& model, const TokenTree& tree, Gradients& gradients, const Activations* kept,
                     std::span<const int32_t> row_of_node) {
  const Activations& saved = kept ? *kept : activations_;
  COHORT_CHECK(saved.keep() != Activations::Keep::none && (kept || saved.rows() == tree.size()),
               "backward without the forward of its tree");
  const ModelConfig& c = model.config();
  const int64_t N = tree.size(), C = c.hidden_size, F = c.intermediate_size;
  const int64_t H = c.num_attention_heads, K = c.num_key_value_heads, D = c.head_dim;
  const float eps = static_cast<float>(c.rms_norm_eps);
  const std::vector<int32_t> positions = tree.positions();
  const bool recompute = saved.keep() == Activations::Keep::inputs;
  int64_t blocks = 0;
  AttentionBatch attention;
  if (recompute) attention = attention_batch(tree, &blocks);
  const int64_t block_floats = kv_block_floats(c.attention());
  const LayerInput again{tree.tokens, positions, &attention, {kv_.data(), block_floats}};

  const Tensor dx = workspace(dx_, N, C);
  const Tensor d_attention = workspace(d_attention_, N, H * D), d_qkv = workspace(d_qkv_, N, c.qkv_width());

  const int64_t U = static_cast<int64_t>(nodes_.size());
  rms_norm_backward(d_hidden(), Tensor(head_x_.data(), {U, C}), model.weights().final_norm,
                    Tensor(head_rstd_.data(), {U}), d_hidden(), false, gradients.views().final_norm);
  std::memset(dx.data, 0, static_cast<size_t>(N * C) * sizeof(float));
  for (int64_t u = 0; u < U; ++u) std::memcpy(dx.row(nodes_[u]), d_hidden().row(u), C * sizeof(float));

  for (int64_t l = c.num_hidden_layers - 1; l >= 0; --l) {
    const LayerWeights& w = model.weights().layers[l];
    const LayerWeights& g = gradients.views().layers[l];
    LayerActivations a = saved.layer(l, 0, saved.rows());
    if (!row_of_node.empty()) a = gather_layer(a, row_of_node, gathered_, layer_activation_floats(c));
    if (recompute) attention_block(model, l, again, a, scratch_);

    for_row_chunks(N, scratch_.chunk_rows, [&](int64_t begin, int64_t end) {
      const int64_t n = end - begin;
      const Tensor normed = workspace(scratch_.normed, n, C), d_normed = workspace(d_normed_, n, C);
      const Tensor act = workspace(scratch_.act, n, F), d_act = workspace(d_act_, n, F);
      const Tensor d_out = dx.slice(begin, end), x_mid = a.x_mid.slice(begin, end);
      const Tensor rstd = rows_of(a.mid_rstd, begin, end);
      const Tensor gate_up =
          recompute ? workspace(scratch_.gate_up, n, 2 * F) : rows_of(a.gate_up, begin, end);
      rms_norm_forward(x_mid, w.mlp_norm, eps, normed, recompute ? rstd : Tensor());
      if (recompute)
        gated(model, l, normed, gate_up, act);
      else
        swiglu_forward(gate_up, act);
      if (g.down_bias) column_sums(d_out, g.down_bias);
      matmul_dw(d_out, act, g.down);
      matmul_dx(d_out, w.down, d_act);
      const Tensor d_gate_up = gate_up;
      swiglu_backward(d_act, gate_up, d_gate_up);
      if (g.gate_up_bias) column_sums(d_gate_up, g.gate_up_bias);
      matmul_dw(d_gate_up, normed, g.gate_up);
      matmul_dx(d_gate_up, w.gate_up, d_normed);
      rms_norm_backward(d_normed, x_mid, w.mlp_norm, rstd, d_out, true, g.mlp_norm);
    });

    if (g.attention_out_bias) column_sums(dx, g.attention_out_bias);
    matmul_dw(dx, a.attention, g.attention_out);
    matmul_dx(dx, w.attention_out, d_attention);
    attention_backward(c.attention(), tree, a.qkv, a.attention, a.lse, d_attention, d_qkv);
    rope(d_qkv, 0, H + K, positions, model.rope(), true);
    if (c.qk_norm) {
      head_norm_backward(d_qkv, 0, H, w.q_norm, a.q_raw, a.q_rstd, g.q_norm);
      head_norm_backward(d_qkv, H * D, K, w.k_norm, a.k_raw, a.k_rstd, g.k_norm);
    }
    for_row_chunks(N, scratch_.chunk_rows, [&](int64_t begin, int64_t end) {
      const int64_t n = end - begin;
      const Tensor normed = workspace(scratch_.normed, n, C), d_normed = workspace(d_normed_, n, C);
      const Tensor x = a.x.slice(begin, end), d_rows = d_qkv.slice(begin, end);
      rms_norm_forward(x, w.attention_norm, eps, normed, {});
      if (g.qkv_bias) column_sums(d_rows, g.qkv_bias);
      matmul_dw(d_rows, normed, g.qkv);
      matmul_dx(d_rows, w.qkv, d_normed);
      rms_norm_backward(d_normed, x, w.attention_norm, rows_of(a.norm_rstd, begin, end), dx.slice(begin, end),
                        true, g.attention_norm);
    });
  }
  gradients.add_embedding(tree.tokens, dx);
  if (!kept) activations_.reset(c, 0, Activations::Keep::none);
}

}  // namespace cohort
