#include "model/transformer.h"

#include <algorithm>
#include <numeric>

#include "ops/log_prob.h"

namespace cohort {

HeadPlan::HeadPlan(const TokenTree& tree) : rows(tree.rows.size()) {
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(),
                   [&](int32_t a, int32_t b) { return tree.rows[a].node < tree.rows[b].node; });
  for (size_t i = 0; i < rows.size(); ++i) {
    const HeadRow& r = tree.rows[rows[i]];
    if (nodes.empty() || nodes.back() != r.node) {
      nodes.push_back(r.node);
      offsets.push_back(static_cast<int32_t>(i));
    }
    targets.push_back(r.target);
  }
  offsets.push_back(static_cast<int32_t>(rows.size()));
}

namespace {

// From the order of a HeadPlan to that of the tree.
std::vector<float> in_tree_order(const HeadPlan& head, const std::vector<float>& planned) {
  std::vector<float> result(planned.size());
  for (size_t i = 0; i < planned.size(); ++i) result[head.rows[i]] = planned[i];
  return result;
}

}  // namespace

RowOutputs Transformer::forward(const Model& model, const TokenTree& tree, float temperature,
                                Activations::Keep keep, const RowSeeds* seeds, Gradients* gradients) {
  inv_temperature_ = 1.0f / temperature;
  const HeadPlan head(tree);
  hidden_ = trunk_.forward(model, tree, head.nodes, keep);
  head_done_ = seeds != nullptr;
  if (seeds) {
    COHORT_CHECK(gradients && keep != Activations::Keep::none, "seeds without a place for gradients");
    return head_backward(model, head, hidden_, *seeds, *gradients);
  }
  std::vector<float> log_prob(tree.rows.size()), entropy(tree.rows.size());
  log_prob_forward(hidden_, model.packed_head(), inv_temperature_, {head.offsets, head.targets}, log_prob,
                   entropy);
  return {in_tree_order(head, log_prob), in_tree_order(head, entropy)};
}

// Leaves d objective / d hidden in the trunk.
RowOutputs Transformer::head_backward(const Model& model, const HeadPlan& head, const Tensor& hidden,
                                      const RowSeeds& seeds, Gradients& gradients) {
  const size_t R = head.rows.size();
  COHORT_CHECK(seeds.log_prob.size() == R && (seeds.entropy.empty() || seeds.entropy.size() == R),
               "{} log-prob and {} entropy seeds for {} rows", seeds.log_prob.size(), seeds.entropy.size(),
               R);
  std::vector<float> log_prob_seed(R), entropy_seed(seeds.entropy.size()), log_prob(R), entropy(R);
  for (size_t i = 0; i < R; ++i) {
    log_prob_seed[i] = seeds.log_prob[head.rows[i]];
    if (!entropy_seed.empty()) entropy_seed[i] = seeds.entropy[head.rows[i]];
  }
  log_prob_forward_backward(hidden, model.packed_head(), model.weights().head, inv_temperature_,
                            {head.offsets, head.targets}, {log_prob_seed, entropy_seed}, log_prob, entropy,
                            trunk_.d_hidden(), gradients.views().head);
  return {in_tree_order(head, log_prob), in_tree_order(head, entropy)};
}

void Transformer::backward(const Model& model, const TokenTree& tree, const RowSeeds& seeds,
                           Gradients& gradients) {
  if (!head_done_) head_backward(model, HeadPlan(tree), hidden_, seeds, gradients);
  trunk_.backward(model, tree, gradients);
}

void Transformer::backward_kept(const Model& model, const TokenTree& tree, float temperature,
                                const RowSeeds& seeds, const Activations& kept,
                                std::span<const int32_t> row_of_node, Gradients& gradients) {
  inv_temperature_ = 1.0f / temperature;
  const HeadPlan head(tree);
  hidden_ = trunk_.read_kept(model, tree, head.nodes, kept, row_of_node);
  head_backward(model, head, hidden_, seeds, gradients);
  trunk_.backward(model, tree, gradients, &kept, row_of_node);
}

}  // namespace cohort
