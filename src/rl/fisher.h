// Products with the Fisher matrix of a sampled batch, by the two verbs alone.
//   F = 1/N sum_t grad log pi(o_t) grad log pi(o_t)^T = J^T J / N
// over its N sampled tokens, J being the Jacobian of their log-probs. For samples of the policy itself it
// estimates the Fisher matrix, and it is exactly the second derivative, at the weights that sampled, of the
// mean of r - 1 - log r with r = pi / pi_old (k3), the estimate of KL(pi_old || pi) that bounds TRPO's step.
//   J v       a directional derivative: two forwards, at weights + h v and weights - h v (central difference)
//   J^T (.)   a backward at the weights, seeded with (J v)_t / N
//
// The step h. In float32 a log-prob has an error e of about 1e-6 whatever h is, so the difference quotient
// errs by e / (h |Jv|) from rounding and, relatively, by the square of the log-probs' change h |Jv| from
// curvature. Both depend on that change alone, which should hence be near the cube root of e: h is such that
// the root mean square of the change is near kChange. A fixed length h |v| cannot be: steps of one length
// change log-probs tens of times more along one direction than along another. A
// product first takes the length that served the product before it, and is repeated with a better one where
// the change is far off.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/model.h"
#include "rl/sample.h"
#include "tensor/tensor.h"

namespace cohort {

// What is asked of the engine about a batch, at the model's weights of the moment. Log-probs and seeds are
// those of all completion tokens: [group][sample][token], flattened.
struct BatchPasses {
  std::function<std::vector<float>()> log_probs;
  // sum_t seed_t grad log_prob_t, valid until the next call. At the weights that sampled the batch only.
  std::function<Tensor(std::span<const float> seeds)> gradient;
};

class FisherProduct {
 public:
  static constexpr double kChange = 0.01;

  // `start`: a copy of the weights that sampled the batch, which the model holds whenever no product is being
  // made.
  FisherProduct(Model& model, const Tensor& start, std::span<const Group> batch, const BatchPasses& passes,
                double damping);

  // (F + damping) v, valid until the next gradient. Leaves the weights as they were, bit for bit.
  Tensor operator()(const Tensor& v);

  // J v of the last product; 0 for inserted tokens.
  std::span<const double> derivatives() const { return derivatives_; }

 private:
  double differentiate(const Tensor& v, double norm);
  std::vector<float> shifted_log_probs(double h, const Tensor& v);

  Model& model_;
  Tensor start_;
  const BatchPasses& passes_;
  double damping_;
  std::vector<char> sampled_;  // by completion token
  double tokens_ = 0;          // N
  double longest_, length_;    // of h v, at most and of now
  std::vector<double> derivatives_;
};

}  // namespace cohort
