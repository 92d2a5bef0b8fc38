// AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it, and the global gradient norm.
#pragma once

#include "tensor/tensor.h"

namespace cohort {

struct AdamWOptions {
  double learning_rate = 1e-6, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
};

// w, m, v updated in place; `step` counts from 1; the gradient used is gradient_scale * g (clipping).
void adamw(Tensor w, const Tensor& g, Tensor m, Tensor v, const AdamWOptions& options, int64_t step,
           double gradient_scale);

// Sum of squares in double, in fixed blocks by absolute index: the same for any number of threads.
double sum_of_squares(const Tensor& x);

}  // namespace cohort
