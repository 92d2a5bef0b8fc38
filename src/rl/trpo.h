// Trust region policy optimization (Schulman et al., arXiv 1502.05477). One update:
//   maximise  L(theta) = sum_t weight_t r_t A_t,  r = pi / pi_old
//   so that   KL(theta) = mean_t (r_t - 1 - log r_t) <= target_kl
//   s solves  (F + cg_damping) s = grad L, by conjugate gradients; F is the second derivative of KL (fisher.h)
//   theta  =  theta_old + shrinking^j sqrt(2 target_kl / s^T (F + cg_damping) s) s
// for the first j < line_search_max_iter at which KL <= target_kl and L is above L(theta_old); where there is
// none, theta_old.
// Options and their defaults are sb3-contrib's.
//
// How it deviates. The paper knows every action's probability in a state and takes the mean of the exact KL;
// here it is estimated from the sampled tokens, whose log-probs are all that a forward gives. Of the
// estimators k3, r - 1 - log r, is taken for KL(pi_old || pi): it is unbiased under samples of pi_old as k1,
// -log r, is, but never negative, so that a bound on it bounds something, and F is exactly its second
// derivative. Advantages are those of the group (GRPO's credit), not a critic's. All tokens of the batch
// enter F, where the paper takes a tenth.
#pragma once

#include <cstdint>
#include <span>

#include "rl/coefficient.h"
#include "rl/conjugate_gradient.h"
#include "rl/fisher.h"
#include "rl/metrics.h"

namespace cohort {

struct TrpoOptions {
  double target_kl = 0.01;
  int64_t cg_max_steps = 15;
  double cg_damping = 0.1;
  double line_search_shrinking_factor = 0.8;
  int64_t line_search_max_iter = 10;
};

struct TrpoResult {
  double grad_norm = 0;  // of L
  int64_t cg_steps = 0;
  double cg_residual = 0;          // |b - A s| / |b| after the last of them
  int64_t line_search_steps = 0;   // 0: there was no direction to go (the gradient is 0)
  bool accepted = false;           // else the weights are what they were, bit for bit
  double kl = 0, improvement = 0;  // KL(theta) and L(theta) - L(theta_old); 0 unless accepted
  double step_norm = 0;            // |theta - theta_old|
};

// The coefficient rule of L: weight * r * A; seeds weight * r * A. sums.kl is the sum of r - 1 - log r. At r
// = 1 the seed is exactly weight * A. Where a sample's seeds are empty only sums are added.
void surrogate(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
               const CoefficientOptions& options, std::span<const SampleSeeds> seeds, CoefficientSums& sums);

// Holds four vectors of the weights' size.
class Trpo {
 public:
  Trpo(const Model& model, const TrpoOptions& options);

  // `loss_gradient` is that of -L at the weights, which sampled the batch; `weights` are those of each
  // sample's tokens. Throws Error where its norm is not finite, with nothing changed.
  TrpoResult step(Model& model, std::span<const Group> batch, std::span<const double> weights,
                  const Tensor& loss_gradient, const BatchPasses& passes);

 private:
  TrpoOptions options_;
  Buffer start_, residual_, direction_, solution_;
};

// kl_divergence_loss and is_line_search_success as sb3-contrib names them, surrogate_improvement,
// line_search_steps, step_norm, cg_steps, cg_residual.
void add_trpo_metrics(const TrpoResult& result, Metrics& metrics);

}  // namespace cohort
