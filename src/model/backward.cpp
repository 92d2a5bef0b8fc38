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

Gradients::Gradients(const Model& model) : width_(model.config().hidden_size) {
  const std::vector<TrainedParameter> trained = model.trained();
  const std::vector<Parameter> list(trained.begin(), trained.end());
  buffer_ = Buffer(parameter_floats(list));
  views_ = weight_views(model.config(), list, buffer_.data());
  if (model.adapter()) lora_ = lora_views(model.config(), model.adapter()->config(), buffer_.data());
  zero();
}

void Gradients::zero() {
  buffer_.zero();
  tokens_.clear();
  rows_.clear();
}

void Gradients::add_embedding(std::span<const int32_t> tokens, const Tensor& dx) {
  if (!views_.embedding) return;
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

// From the gradient dx of a layer's output to that of x_mid (in dx) and of the attention's output, for rows
// [begin, end): first row by row, with what the weight gradients need set aside, then these.
void Trunk::mlp_rows_backward(const Model& model, int64_t layer, const LayerActivations& a, bool recompute,
                              int64_t begin, int64_t end, const Tensor& dx, Gradients& gradients) {
  using Side = GradientOperand::Side;
  const ModelConfig& c = model.config();
  const LayerWeights& w = model.weights().layers[layer];
  const LayerWeights& g = gradients.views().layers[layer];
  const int64_t n = end - begin, C = c.hidden_size, F = c.intermediate_size, A = c.attention_width();
  const float eps = static_cast<float>(c.rms_norm_eps);
  const Tensor d_normed = workspace(d_normed_, n, C), d_attention(d_attention_.data(), {dx.rows(), A});
  lora_down_.reset(model.adapter(), layer, LoraPlace::down, n);
  lora_gate_up_.reset(model.adapter(), layer, LoraPlace::gate_up, n);
  lora_attention_out_.reset(model.adapter(), layer, LoraPlace::attention_out, n);
  // What the gradients of frozen weights would need is not set aside.
  const bool want_act = g.down || lora_down_, want_normed = g.gate_up || lora_gate_up_,
             want_attention = g.attention_out || lora_attention_out_;
  d_out_.reset(Side::dy, n, C);
  if (want_act) act_.reset(Side::x, n, F);
  d_gate_up_.reset(Side::dy, n, 2 * F);
  if (want_normed) normed_.reset(Side::x, n, C);
  d_mid_.reset(Side::dy, n, C);
  if (want_attention) attention_.reset(Side::x, n, A);
  for_row_teams(begin, end, scratch_, [&](int64_t first, int64_t last, RowScratch& s) {
    const int64_t rows = last - first, at = first - begin;
    if (recompute) attention_output(model, layer, a, first, last, s);
    const Tensor d_rows = dx.slice(first, last), x_mid = a.x_mid.slice(first, last),
                 rstd = rows_of(a.mid_rstd, first, last), normed = workspace(s.normed, rows, C),
                 act = workspace(s.act, rows, F), d_gate_up = workspace(s.d_gate_up, rows, 2 * F);
    rms_norm_forward(x_mid, w.mlp_norm, eps, normed, recompute ? rstd : Tensor());
    Tensor gate_up = rows_of(a.gate_up, first, last);
    if (recompute) {
      gate_up = d_gate_up;
      gate_up_projection(model, layer, normed, s, gate_up);
    }
    d_out_.put(at, d_rows);
    if (want_normed) normed_.put(at, normed);
    lora_gate_up_.put_inputs(at, normed, s.low_rank);
    matmul(d_out_, at, down_t_, act);  // the gradient of act, which swiglu_backward replaces by act
    lora_down_.put_outputs(at, d_rows, s.low_rank, act);
    swiglu_backward(act, gate_up, d_gate_up, act);
    if (want_act) act_.put(at, act);
    lora_down_.put_inputs(at, act, s.low_rank);
    d_gate_up_.put(at, d_gate_up);
    const Tensor d_normed_rows = d_normed.slice(at, at + rows);
    matmul(d_gate_up_, at, gate_up_t_, d_normed_rows);
    lora_gate_up_.put_outputs(at, d_gate_up, s.low_rank, d_normed_rows);
    rms_norm_backward(d_normed_rows, x_mid, w.mlp_norm, rstd, d_rows, true, {});
    d_mid_.put(at, d_rows);
    const Tensor attention = a.attention.slice(first, last),
                 d_attention_rows = d_attention.slice(first, last);
    if (want_attention) attention_.put(at, attention);
    matmul(d_mid_, at, attention_out_t_, d_attention_rows);
    lora_attention_out_.put_outputs(at, d_rows, s.low_rank, d_attention_rows);
    lora_attention_out_.put_inputs(at, attention, s.low_rank);
  });
  if (g.down) matmul_dw(d_out_, act_, g.down);
  if (g.gate_up) matmul_dw(d_gate_up_, normed_, g.gate_up);
  if (g.attention_out) matmul_dw(d_mid_, attention_, g.attention_out);
  if (lora_down_) lora_down_.finish(act_, gradients.lora(layer, LoraPlace::down));
  if (lora_gate_up_) lora_gate_up_.finish(normed_, gradients.lora(layer, LoraPlace::gate_up));
  if (lora_attention_out_)
    lora_attention_out_.finish(attention_, gradients.lora(layer, LoraPlace::attention_out));
  if (g.mlp_norm)
    rms_norm_weight_gradient(d_normed, a.x_mid.slice(begin, end), rows_of(a.mid_rstd, begin, end),
                             g.mlp_norm);
  if (g.down_bias) column_sums(d_out_, g.down_bias);
  if (g.gate_up_bias) column_sums(d_gate_up_, g.gate_up_bias);
  if (g.attention_out_bias) column_sums(d_mid_, g.attention_out_bias);
}

// From the gradient of the queries, keys and values to that of the layer's input, added to dx.
void Trunk::attention_rows_backward(const Model& model, int64_t layer, const LayerActivations& a,
                                    int64_t begin, int64_t end, const Tensor& dx,
                                    std::span<const int32_t> positions, Gradients& gradients) {
  using Side = GradientOperand::Side;
  const ModelConfig& c = model.config();
  const LayerWeights& w = model.weights().layers[layer];
  const LayerWeights& g = gradients.views().layers[layer];
  const int64_t n = end - begin, C = c.hidden_size;
  const float eps = static_cast<float>(c.rms_norm_eps);
  const Tensor d_normed = workspace(d_normed_, n, C), d_qkv(d_qkv_.data(), {dx.rows(), c.qkv_width()});
  lora_qkv_.reset(model.adapter(), layer, LoraPlace::qkv, n);
  const bool want_normed = g.qkv || lora_qkv_;
  d_rows_.reset(Side::dy, n, c.qkv_width());
  if (want_normed) normed_.reset(Side::x, n, C);
  for_row_teams(begin, end, scratch_, [&](int64_t first, int64_t last, RowScratch& s) {
    const int64_t rows = last - first, at = first - begin;
    const Tensor d_rows = d_qkv.slice(first, last), x = a.x.slice(first, last),
                 normed = workspace(s.normed, rows, C), d_normed_rows = d_normed.slice(at, at + rows);
    if (!c.qk_norm)
      rope(d_rows, 0, c.num_attention_heads + c.num_key_value_heads, positions.subspan(first, rows),
           model.rope(), true);
    rms_norm_forward(x, w.attention_norm, eps, normed, {});
    d_rows_.put(at, d_rows);
    if (want_normed) normed_.put(at, normed);
    matmul(d_rows_, at, qkv_t_, d_normed_rows);
    lora_qkv_.put_outputs(at, d_rows, s.low_rank, d_normed_rows);
    lora_qkv_.put_inputs(at, normed, s.low_rank);
    rms_norm_backward(d_normed_rows, x, w.attention_norm, rows_of(a.norm_rstd, first, last),
                      dx.slice(first, last), true, {});
  });
  if (g.qkv) matmul_dw(d_rows_, normed_, g.qkv);
  if (lora_qkv_) lora_qkv_.finish(normed_, gradients.lora(layer, LoraPlace::qkv));
  if (g.attention_norm)
    rms_norm_weight_gradient(d_normed, a.x.slice(begin, end), rows_of(a.norm_rstd, begin, end),
                             g.attention_norm);
  if (g.qkv_bias) column_sums(d_rows_, g.qkv_bias);
}

void Trunk::backward(const Model& model, const TokenTree& tree, Gradients& gradients, const Activations* kept,
                     std::span<const int32_t> row_of_node) {
  const Activations& saved = kept ? *kept : activations_;
  COHORT_CHECK(saved.keep() != Activations::Keep::none && (kept || saved.rows() == tree.size()),
               "backward without the forward of its tree");
  const ModelConfig& c = model.config();
  const int64_t N = tree.size(), C = c.hidden_size;
  const int64_t H = c.num_attention_heads, K = c.num_key_value_heads, D = c.head_dim;
  const std::vector<int32_t> positions = tree.positions();
  const bool recompute = saved.keep() == Activations::Keep::inputs;
  int64_t blocks = 0;
  AttentionBatch attention;
  if (recompute) attention = attention_batch(tree, &blocks);
  const int64_t block_floats = kv_block_floats(c.attention(0));
  const LayerInput again{tree.tokens, positions, &attention, {kv_.data(), block_floats}};

  const Tensor dx = workspace(dx_, N, C);
  const Tensor d_attention = workspace(d_attention_, N, H * D), d_qkv = workspace(d_qkv_, N, c.qkv_width());

  const int64_t U = static_cast<int64_t>(nodes_.size());
  rms_norm_backward(d_hidden(), Tensor(head_x_.data(), {U, C}), model.weights().final_norm,
                    Tensor(head_rstd_.data(), {U}), d_hidden(), false, gradients.views().final_norm);
  std::memset(dx.data, 0, static_cast<size_t>(N * C) * sizeof(float));
  for (int64_t u = 0; u < U; ++u) std::memcpy(dx.row(nodes_[u]), d_hidden().row(u), C * sizeof(float));

  for (int64_t l = c.num_hidden_layers - 1; l >= model.first_trained_layer(); --l) {
    const LayerWeights& w = model.weights().layers[l];
    const LayerWeights& g = gradients.views().layers[l];
    LayerActivations a = saved.layer(l, 0, saved.rows());
    if (!row_of_node.empty()) a = gather_layer(a, row_of_node, gathered_, layer_activation_floats(c));
    if (recompute) attention_block(model, l, again, a, scratch_);
    const PackedLayer& packed = model.packed(l);
    down_t_.pack_transpose(packed.down);
    gate_up_t_.pack_transpose(packed.gate_up);
    attention_out_t_.pack_transpose(packed.attention_out);
    qkv_t_.pack_transpose(packed.qkv);
    for_row_chunks(N, scratch_.chunk_rows, [&](int64_t begin, int64_t end) {
      mlp_rows_backward(model, l, a, recompute, begin, end, dx, gradients);
    });
    attention_backward(c.attention(l), tree, a.qkv, a.attention, a.lse, d_attention, d_qkv);
    if (c.qk_norm) {  // the weights' chains run over all rows before any is overwritten
      rope(d_qkv, 0, H + K, positions, model.rope(), true);
      head_norm_backward(d_qkv, 0, H, w.q_norm, a.q_raw, a.q_rstd, g.q_norm);
      head_norm_backward(d_qkv, H * D, K, w.k_norm, a.k_raw, a.k_rstd, g.k_norm);
    }
    for_row_chunks(N, scratch_.chunk_rows, [&](int64_t begin, int64_t end) {
      attention_rows_backward(model, l, a, begin, end, dx, positions, gradients);
    });
  }
  gradients.add_embedding(tree.tokens, dx);
  if (!kept) activations_.reset(c, 0, Activations::Keep::none);
}

}  // namespace cohort
