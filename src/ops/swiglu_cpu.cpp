#include <algorithm>

#include "ops/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/swiglu_cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/silu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cohort {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// What is left of a row after the whole vectors goes through buffers of one vector; every element is computed
// alone.
template <class Body>
HWY_INLINE void ForEachVector(int64_t width, std::initializer_list<const float*> inputs,
                              std::initializer_list<float*> outputs, Body body) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* in[3] = {};
  float* out[3] = {};
  std::copy(inputs.begin(), inputs.end(), in);
  std::copy(outputs.begin(), outputs.end(), out);
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes)
    body(d, in[0] + i, in[1] + i, in[2] + i, out[0] + i, out[1] + i, out[2] + i);
  if (i == width) return;
  HWY_ALIGN float from[3][HWY_MAX_BYTES / sizeof(float)] = {}, to[3][HWY_MAX_BYTES / sizeof(float)];
  for (size_t k = 0; k < inputs.size(); ++k) std::copy(in[k] + i, in[k] + width, from[k]);
  body(d, from[0], from[1], from[2], to[0], to[1], to[2]);
  for (size_t k = 0; k < outputs.size(); ++k) std::copy(to[k], to[k] + (width - i), out[k] + i);
}

void ForwardRow(const float* gate_up, int64_t width, float* act) {
  ForEachVector(width, {gate_up, gate_up + width}, {act},
                [](auto d, const float* gate, const float* up, const float*, float* out, float*, float*)
                    HWY_ATTR { hn::StoreU(hn::Mul(Silu(d, hn::LoadU(d, gate)), hn::LoadU(d, up)), d, out); });
}

template <bool kAct>
HWY_INLINE void Backward(const float* d_act, const float* gate_up, int64_t width, float* d_gate_up,
                         float* act) {
  const auto body = [](auto d, const float* da, const float* gate, const float* up, float* d_gate,
                       float* d_up, float* forward) HWY_ATTR {
    const auto g = hn::LoadU(d, gate), u = hn::LoadU(d, up), a = hn::LoadU(d, da);
    auto silu = g, grad = g, out = g;
    SiluAndGrad(d, g, silu, grad, out);
    hn::StoreU(hn::Mul(hn::Mul(a, u), grad), d, d_gate);
    hn::StoreU(hn::Mul(a, silu), d, d_up);
    if (kAct) hn::StoreU(hn::Mul(out, u), d, forward);
  };
  if constexpr (kAct) {
    ForEachVector(width, {d_act, gate_up, gate_up + width}, {d_gate_up, d_gate_up + width, act}, body);
  } else {
    ForEachVector(width, {d_act, gate_up, gate_up + width}, {d_gate_up, d_gate_up + width}, body);
  }
}

void BackwardRow(const float* d_act, const float* gate_up, int64_t width, float* d_gate_up, float* act) {
  if (act)
    Backward<true>(d_act, gate_up, width, d_gate_up, act);
  else
    Backward<false>(d_act, gate_up, width, d_gate_up, nullptr);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cohort
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cohort::cpu {

HWY_EXPORT(ForwardRow);
HWY_EXPORT(BackwardRow);

void swiglu_forward(const Tensor& gate_up, Tensor act) {
  const int64_t rows = act.rows(), width = act.cols();
#pragma omp parallel for schedule(static) if (worth_a_team(8 * rows * width))
  for (int64_t row = 0; row < rows; ++row)
    HWY_DYNAMIC_DISPATCH(ForwardRow)(gate_up.row(row), width, act.row(row));
}

void swiglu_backward(const Tensor& d_act, const Tensor& gate_up, Tensor d_gate_up, Tensor act) {
  const int64_t rows = d_act.rows(), width = d_act.cols();
#pragma omp parallel for schedule(static) if (worth_a_team(8 * rows * width))
  for (int64_t row = 0; row < rows; ++row) HWY_DYNAMIC_DISPATCH(BackwardRow)
  (d_act.row(row), gate_up.row(row), width, d_gate_up.data + row * 2 * width,
   act ? act.data + row * width : nullptr);
}

}  // namespace cohort::cpu
#endif
