// RMS norm: y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps), the mean in 16 fixed lanes by absolute
// index.
#pragma once

#include "tensor/tensor.h"

namespace cohort {

// x, y: (N, W) rows; w (W); rstd (N) or empty where it is not wanted. y may be x.
void rms_norm_forward(const Tensor& x, const Tensor& w, float eps, Tensor y, Tensor rstd);

// dx (N, W) = gradient, or dx += gradient with `accumulate`; dw (W) continues its chain over the rows in
// order; it may be empty where rms_norm_weight_gradient adds it. dx may be dy.
void rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& rstd, Tensor dx,
                       bool accumulate, Tensor dw);
void rms_norm_weight_gradient(const Tensor& dy, const Tensor& x, const Tensor& rstd, Tensor dw);

// The per-head form (Qwen3's q/k norm): `heads` vectors of width D at columns first .. first + heads * D of
// each row of
// qkv (N, width), in place; `raw` (N, heads * D) receives the inputs and rstd (N, heads) the factors (both
// may be empty).
void head_norm_forward(Tensor qkv, int64_t first, int64_t heads, const Tensor& w, float eps, Tensor raw,
                       Tensor rstd);

// In place on d_qkv's columns; dw (D), which may be empty, continues its chain over rows, and over heads
// inside a row.
void head_norm_backward(Tensor d_qkv, int64_t first, int64_t heads, const Tensor& w, const Tensor& raw,
                        const Tensor& rstd, Tensor dw);

}  // namespace cohort
