// Arithmetic over flat buffers: parameters, gradients and directions of one layout. Any number of threads
// gives the same bits.
#pragma once

#include "tensor/tensor.h"

namespace cohort {

// Sum of x_i y_i in double, in fixed blocks by absolute index.
double dot(const Tensor& x, const Tensor& y);

// z = x + a y, each element rounded once. z may be x or y.
void scaled_sum(const Tensor& x, double a, const Tensor& y, Tensor z);

}  // namespace cohort
