// What the ops share: the CPU kernels behind them (x.cpp checks shapes and picks the device, x_cpu.cpp
// computes), the rule for going parallel, and how lanes are added. Kernels trust their arguments.
#pragma once

#include <omp.h>

#include <cmath>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "tensor/tensor.h"

namespace cohort {

// Whether a loop of about `work` simple steps should use the team: not inside another parallel region, not
// when it is tiny.
inline bool worth_a_team(int64_t work) { return work >= 32768 && !omp_in_parallel(); }

inline void require_cpu(const char* op, Device device) {
  if (device != Device::cpu) fail("{}: this build has kernels for the CPU only", op);
}

// The sum of 16 lanes by one fixed tree.
inline float fold_lanes(const float* lanes) {
  float t[8];
  for (int i = 0; i < 8; ++i) t[i] = lanes[i] + lanes[i + 8];
  for (int i = 0; i < 4; ++i) t[i] = t[i] + t[i + 4];
  return (t[0] + t[2]) + (t[1] + t[3]);
}

namespace cpu {

void embedding_forward(const Tensor& table, std::span<const int32_t> tokens, Tensor x);
void embedding_backward(const Tensor& dx, std::span<const int32_t> tokens, Tensor d_table);

void rms_norm_forward(const Tensor& x, const Tensor& w, float eps, Tensor y, Tensor rstd);
void rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& rstd, Tensor dx,
                       bool accumulate, Tensor dw);
void rms_norm_weight_gradient(const Tensor& dy, const Tensor& x, const Tensor& rstd, Tensor dw);
void head_norm_forward(Tensor qkv, int64_t first, int64_t heads, const Tensor& w, float eps, Tensor raw,
                       Tensor rstd);
void head_norm_backward(Tensor d_qkv, int64_t first, int64_t heads, const Tensor& w, const Tensor& raw,
                        const Tensor& rstd, Tensor dw);

// cos and sin: tables of (positions, D/2).
void rope(Tensor x, int64_t first, int64_t heads, std::span<const int32_t> positions, const float* cos,
          const float* sin, int64_t half, bool backward);

void swiglu_forward(const Tensor& gate_up, Tensor act);
void swiglu_backward(const Tensor& d_act, const Tensor& gate_up, Tensor d_gate_up, Tensor act);

struct AdamWScalars {  // one step's constants, rounded once
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, decay, step_size, inverse_root_correction2,
      gradient_scale;
};
void adamw(Tensor w, const Tensor& g, Tensor m, Tensor v, const AdamWScalars& s);

double dot(const Tensor& x, const Tensor& y);
void scaled_sum(const Tensor& x, double a, const Tensor& y, Tensor z);

}  // namespace cpu
}  // namespace cohort
