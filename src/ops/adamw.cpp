#include "ops/adamw.h"

#include "base/math.h"
#include "ops/kernels.h"
#include "ops/vector.h"

namespace cohort {

void adamw(Tensor w, const Tensor& g, Tensor m, Tensor v, const AdamWOptions& o, int64_t step,
           double gradient_scale) {
  COHORT_CHECK(g.size() == w.size() && m.size() == w.size() && v.size() == w.size(), "w {}, g {}, m {}, v {}",
               w.size(), g.size(), m.size(), v.size());
  COHORT_CHECK(step >= 1, "step {} counts from 1", step);
  require_cpu("adamw", w.device);
  const double correction1 = 1 - pow(o.beta1, static_cast<double>(step));
  const double correction2 = 1 - pow(o.beta2, static_cast<double>(step));
  cpu::AdamWScalars s;
  s.beta1 = static_cast<float>(o.beta1);
  s.one_minus_beta1 = static_cast<float>(1 - o.beta1);
  s.beta2 = static_cast<float>(o.beta2);
  s.one_minus_beta2 = static_cast<float>(1 - o.beta2);
  s.epsilon = static_cast<float>(o.epsilon);
  s.decay = static_cast<float>(1 - o.learning_rate * o.weight_decay);
  s.step_size = static_cast<float>(o.learning_rate / correction1);
  s.inverse_root_correction2 = static_cast<float>(1 / std::sqrt(correction2));
  s.gradient_scale = static_cast<float>(gradient_scale);
  cpu::adamw(w, g, m, v, s);
}

double sum_of_squares(const Tensor& x) { return dot(x, x); }

}  // namespace cohort
