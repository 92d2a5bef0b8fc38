// forward: the layer is a list of op calls, and backward.cpp is the same list reversed.
#include <algorithm>
#include <cstring>

#include "model/trunk.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/swiglu.h"

namespace cohort {

void attention_block(const Model& model, int64_t layer, const LayerInput& in, const LayerActivations& a,
                     LayerScratch& scratch) {
  const ModelConfig& c = model.config();
  const LayerWeights& w = model.weights().layers[layer];
  const PackedLayer& p = model.packed(layer);
  const float eps = static_cast<float>(c.rms_norm_eps);
  const int64_t H = c.num_attention_heads, K = c.num_key_value_heads, D = c.head_dim;
  const AttentionShape shape = c.attention(layer);
  const KvStore store{in.store.data + layer * in.layer_stride, in.store.block_stride};

  for_row_teams(0, a.x.rows(), scratch, [&](int64_t begin, int64_t end, RowScratch& s) {
    const Tensor normed = workspace(s.normed, end - begin, c.hidden_size), qkv = a.qkv.slice(begin, end);
    rms_norm_forward(a.x.slice(begin, end), w.attention_norm, eps, normed, rows_of(a.norm_rstd, begin, end));
    matmul(normed, p.qkv, w.qkv_bias, {}, qkv);
    if (model.adapter()) model.adapter()->add(layer, LoraPlace::qkv, normed, s.low_rank, qkv);
    if (c.qk_norm) {
      head_norm_forward(qkv, 0, H, w.q_norm, eps, rows_of(a.q_raw, begin, end),
                        rows_of(a.q_rstd, begin, end));
      head_norm_forward(qkv, H * D, K, w.k_norm, eps, rows_of(a.k_raw, begin, end),
                        rows_of(a.k_rstd, begin, end));
    }
    rope(qkv, 0, H + K, in.positions.subspan(begin, end - begin), model.rope(), false);
    kv_write(shape, qkv, std::span(in.attention->slots).subspan(begin, end - begin), store);
  });
  attention_forward(shape, a.qkv, *in.attention, store, a.attention, a.lse);
}

void attention_output(const Model& model, int64_t layer, const LayerActivations& a, int64_t begin,
                      int64_t end, RowScratch& scratch) {
  const Tensor attention = a.attention.slice(begin, end), x_mid = a.x_mid.slice(begin, end);
  matmul(attention, model.packed(layer).attention_out, model.weights().layers[layer].attention_out_bias,
         a.x.slice(begin, end), x_mid);
  if (model.adapter())
    model.adapter()->add(layer, LoraPlace::attention_out, attention, scratch.low_rank, x_mid);
}

void gate_up_projection(const Model& model, int64_t layer, const Tensor& normed, RowScratch& scratch,
                        Tensor gate_up) {
  matmul(normed, model.packed(layer).gate_up, model.weights().layers[layer].gate_up_bias, {}, gate_up);
  if (model.adapter()) model.adapter()->add(layer, LoraPlace::gate_up, normed, scratch.low_rank, gate_up);
}

// Whether anything is added to the product of the weights before the activation.
static bool gate_up_has_terms(const Model& model, int64_t layer) {
  return model.weights().layers[layer].gate_up_bias ||
         (model.adapter() && model.adapter()->group(layer, LoraPlace::gate_up));
}

void forward_layers(const Model& model, const LayerInput& input, const Activations& activations,
                    int64_t first, LayerScratch& scratch) {
  const ModelConfig& c = model.config();
  const int64_t n = static_cast<int64_t>(input.tokens.size()), L = c.num_hidden_layers;
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  model.embed(input.tokens, activations.layer(0, first, n).x);
  for (int64_t l = 0; l < L; ++l) {
    const LayerWeights& w = model.weights().layers[l];
    const LayerActivations a = activations.layer(l, first, n);
    const Tensor x_next = l + 1 < L ? activations.layer(l + 1, first, n).x : activations.output(first, n);
    attention_block(model, l, input, a, scratch);
    for_row_teams(0, n, scratch, [&](int64_t begin, int64_t end, RowScratch& s) {
      attention_output(model, l, a, begin, end, s);
      const Tensor normed = workspace(s.normed, end - begin, C), act = workspace(s.act, end - begin, F);
      const Tensor x_mid = a.x_mid.slice(begin, end);
      Tensor gate_up = rows_of(a.gate_up, begin, end);
      const bool terms = gate_up_has_terms(model, l);
      if (!gate_up && terms) gate_up = workspace(s.gate_up, end - begin, 2 * F);
      rms_norm_forward(x_mid, w.mlp_norm, static_cast<float>(c.rms_norm_eps), normed,
                       rows_of(a.mid_rstd, begin, end));
      if (terms) {
        gate_up_projection(model, l, normed, s, gate_up);
        swiglu_forward(gate_up, act);
      } else {
        matmul_swiglu(normed, model.packed(l).gate_up, gate_up, act);
      }
      const Tensor next = x_next.slice(begin, end);
      matmul(act, model.packed(l).down, w.down_bias, x_mid, next);
      if (model.adapter()) model.adapter()->add(l, LoraPlace::down, act, s.low_rank, next);
    });
  }
}

Tensor Trunk::forward(const Model& model, const TokenTree& tree, std::span<const int32_t> nodes,
                      Activations::Keep keep) {
  const ModelConfig& c = model.config();
  tree.check(c.vocab_size);
  const std::vector<int32_t> positions = tree.positions();
  for (int32_t p : positions)
    if (p >= c.context())
      fail("a sequence of {} tokens is longer than the model's context of {}", p + 1,
           c.context());

  int64_t blocks = 0;
  const AttentionBatch attention = attention_batch(tree, &blocks);
  const int64_t block_floats = kv_block_floats(c.attention(0));
  const LayerInput input{
      tree.tokens, positions, &attention, {kv_.reserve(blocks * block_floats), block_floats}};
  activations_.reset(c, tree.size(), keep);
  forward_layers(model, input, activations_, activations_.append(tree.size()), scratch_);
  return final_norm(model, nodes, activations_, {});
}

Tensor Trunk::read_kept(const Model& model, const TokenTree& tree, std::span<const int32_t> nodes,
                        const Activations& kept, std::span<const int32_t> row_of_node) {
  COHORT_CHECK(kept.keep() == Activations::Keep::all, "the rollout kept no activations");
  COHORT_CHECK(static_cast<int64_t>(row_of_node.size()) == tree.size(), "{} rows for {} nodes",
               row_of_node.size(), tree.size());
  return final_norm(model, nodes, kept, row_of_node);
}

// Of the rows that the head reads: nodes_, head_x_, hidden_, head_rstd_.
Tensor Trunk::final_norm(const Model& model, std::span<const int32_t> nodes, const Activations& activations,
                         std::span<const int32_t> row_of_node) {
  const ModelConfig& c = model.config();
  nodes_.assign(nodes.begin(), nodes.end());
  const int64_t U = static_cast<int64_t>(nodes.size()), C = c.hidden_size;
  const Tensor x(head_x_.reserve(U * C), {U, C}), hidden(hidden_.reserve(U * C), {U, C});
  d_hidden_view_ = Tensor(d_hidden_.reserve(U * C), {U, C});
  const Tensor output = activations.output(0, activations.rows());
  for (int64_t u = 0; u < U; ++u) {
    const int64_t row = row_of_node.empty() ? nodes[u] : row_of_node[nodes[u]];
    std::memcpy(x.row(u), output.row(row), C * sizeof(float));
  }
  rms_norm_forward(x, model.weights().final_norm, static_cast<float>(c.rms_norm_eps), hidden,
                   Tensor(head_rstd_.reserve(U), {U}));
  return hidden;
}

}  // namespace cohort
