#include "model/lora_gradient.h"

namespace cohort {

void LoraGradient::reset(const Adapter* adapter, int64_t layer, LoraPlace place, int64_t rows) {
  using Side = GradientOperand::Side;
  group_ = adapter && adapter->group(layer, place) ? &adapter->group(layer, place) : nullptr;
  if (!group_) return;
  packed_ = &adapter->packed(layer, place);
  scale_ = static_cast<float>(adapter->config().scale());
  u_.reset(Side::dy, rows, group_->a.rows());
  dy_.resize(group_->parts.size());
  t_.resize(group_->parts.size());
  for (size_t i = 0; i < dy_.size(); ++i) {
    dy_[i].reset(Side::dy, rows, group_->parts[i].b.rows());
    t_[i].reset(Side::x, rows, group_->parts[i].b.cols());
  }
}

void LoraGradient::put_outputs(int64_t at, const Tensor& dy, Buffer& workspace, Tensor dx) {
  if (!group_) return;
  const Tensor u(workspace.reserve(dy.rows() * group_->a.rows()), {dy.rows(), group_->a.rows()});
  matmul(dy, packed_->b_t, {}, {}, u);
  u_.put(at, u);
  for (size_t i = 0; i < dy_.size(); ++i) dy_[i].put(at, dy, group_->parts[i].output);
  matmul(u, packed_->a_t, {}, dx, dx);
}

void LoraGradient::put_inputs(int64_t at, const Tensor& x, Buffer& workspace) {
  if (!group_) return;
  const Tensor t(workspace.reserve(x.rows() * group_->a.rows()), {x.rows(), group_->a.rows()});
  matmul(x, packed_->a, {}, {}, t);
  for (int64_t i = 0; i < t.size(); ++i) t.data[i] *= scale_;
  for (size_t i = 0; i < t_.size(); ++i) t_[i].put(at, t, group_->parts[i].rank);
}

void LoraGradient::finish(const GradientOperand& x, const LoraGroup& gradient) {
  if (!group_) return;
  matmul_dw(u_, x, gradient.a);
  for (size_t i = 0; i < dy_.size(); ++i) matmul_dw(dy_[i], t_[i], gradient.parts[i].b);
}

}  // namespace cohort
