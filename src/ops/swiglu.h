// SwiGLU: act = silu(gate) * up, silu(z) = z / (1 + exp(-z)). Each row of gate_up is gate (F), then up (F).
#pragma once

#include "tensor/tensor.h"

namespace cohort {

// act (N, F). The same bits as matmul_swiglu's epilogue.
void swiglu_forward(const Tensor& gate_up, Tensor act);

// d_gate_up (N, 2F) from d_act (N, F); d_gate_up may be gate_up itself. Where `act` is given it receives what
// forward gave, since the exponentials are the same; it may be d_act itself.
void swiglu_backward(const Tensor& d_act, const Tensor& gate_up, Tensor d_gate_up, Tensor act = {});

}  // namespace cohort
