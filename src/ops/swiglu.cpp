#include "ops/swiglu.h"

#include "ops/kernels.h"

namespace cohort {

void swiglu_forward(const Tensor& gate_up, Tensor act) {
  COHORT_CHECK(gate_up.rows() == act.rows() && gate_up.cols() == 2 * act.cols(),
               "gate_up ({}, {}), act ({}, {})", gate_up.rows(), gate_up.cols(), act.rows(), act.cols());
  require_cpu("swiglu", act.device);
  cpu::swiglu_forward(gate_up, act);
}

void swiglu_backward(const Tensor& d_act, const Tensor& gate_up, Tensor d_gate_up, Tensor act) {
  COHORT_CHECK(gate_up.rows() == d_act.rows() && gate_up.cols() == 2 * d_act.cols() &&
                   d_gate_up.size() == gate_up.size(),
               "gate_up ({}, {}), d_act ({}, {}), d_gate_up {}", gate_up.rows(), gate_up.cols(), d_act.rows(),
               d_act.cols(), d_gate_up.size());
  COHORT_CHECK(!act || act.size() == d_act.size(), "act of {} values, d_act of {}", act.size(), d_act.size());
  require_cpu("swiglu", d_act.device);
  cpu::swiglu_backward(d_act, gate_up, d_gate_up, act);
}

}  // namespace cohort
