#include "rl/trpo.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/math.h"
#include "ops/vector.h"
#include "rl/coefficient_kl.h"

namespace cohort {
namespace {

// Sums of the surrogate over the whole batch, under these log-probs of all its completion tokens.
CoefficientSums evaluate(std::span<const Group> batch, std::span<const double> weights,
                         const std::vector<float>& log_probs) {
  CoefficientSums sums;
  size_t sample = 0, row = 0;
  for (const Group& group : batch) {
    const size_t n = group.samples.size();
    std::vector<FreshSample> fresh(n);
    for (size_t i = 0; i < n; ++i) {
      const size_t length = group.samples[i].completion_ids.size();
      fresh[i].log_probs = std::span(log_probs).subspan(row, length);
      row += length;
    }
    surrogate(group, fresh, weights.subspan(sample, n), {}, std::vector<SampleSeeds>(n), sums);
    sample += n;
  }
  return sums;
}

void copy(const Tensor& from, Tensor to) {
  std::memcpy(to.data, from.data, static_cast<size_t>(from.size()) * sizeof(float));
}

}  // namespace

void surrogate(const Group& group, std::span<const FreshSample> fresh, std::span<const double> weights,
               const CoefficientOptions&, std::span<const SampleSeeds> seeds, CoefficientSums& sums) {
  for (size_t i = 0; i < group.samples.size(); ++i) {
    const Sample& s = group.samples[i];
    const std::span<float> seed = seeds[i].log_prob;
    COHORT_CHECK(fresh[i].log_probs.size() == s.completion_ids.size() &&
                     s.log_probs.size() == s.completion_ids.size() &&
                     (seed.empty() || seed.size() == s.completion_ids.size()),
                 "{} tokens, {} fresh and {} old log-probs, {} seeds", s.completion_ids.size(),
                 fresh[i].log_probs.size(), s.log_probs.size(), seed.size());
    for (size_t t = 0; t < s.completion_ids.size(); ++t) {
      if (!seed.empty()) seed[t] = 0;
      if (!s.is_sampled(t)) continue;
      const double log_ratio = double{fresh[i].log_probs[t]} - double{s.log_probs[t]};
      const double term =
          weights[i] * exp(log_ratio) * double{s.advantages.size() == 1 ? s.advantages[0] : s.advantages[t]};
      if (!seed.empty()) seed[t] = static_cast<float>(term);
      sums.objective += term;
      sums.kl += kl_term(log_ratio, KlEstimator::k3).value;
      ++sums.tokens;
    }
  }
}

Trpo::Trpo(const Model& model, const TrpoOptions& options)
    : options_(options),
      start_(model.trained_flat().size()),
      residual_(model.trained_flat().size()),
      direction_(model.trained_flat().size()),
      solution_(model.trained_flat().size()) {}

TrpoResult Trpo::step(Model& model, std::span<const Group> batch, std::span<const double> weights,
                      const Tensor& loss_gradient, const BatchPasses& passes) {
  TrpoResult result;
  result.grad_norm = std::sqrt(dot(loss_gradient, loss_gradient));
  if (!std::isfinite(result.grad_norm))
    fail("the gradient norm is {}: the update was not made; look at the rewards", result.grad_norm);
  if (result.grad_norm == 0) return result;
  const auto all = [](const Buffer& b) { return b.tensor({b.size()}); };
  const Tensor theta = model.trained_flat(), start = all(start_), solution = all(solution_);
  copy(theta, start);
  scaled_sum(loss_gradient, -2, loss_gradient, all(residual_));  // -gradient: L is ascended

  FisherProduct product(model, start, batch, passes, options_.cg_damping);
  const ConjugateGradientResult solved = conjugate_gradient(
      std::ref(product), {.max_steps = options_.cg_max_steps}, all(residual_), all(direction_), solution);
  result.cg_steps = static_cast<int64_t>(solved.residuals.size());
  result.cg_residual = solved.residuals.empty() ? 1 : solved.residuals.back();
  if (!(solved.energy > 0)) return result;

  std::vector<float> old;
  for (const Group& group : batch)
    for (const Sample& s : group.samples) old.insert(old.end(), s.log_probs.begin(), s.log_probs.end());
  const double before = evaluate(batch, weights, old).objective;
  double length = std::sqrt(2 * options_.target_kl / solved.energy);
  while (!result.accepted && result.line_search_steps < options_.line_search_max_iter) {
    ++result.line_search_steps;
    scaled_sum(start, length, solution, theta);
    model.pack_trained();
    const CoefficientSums sums = evaluate(batch, weights, passes.log_probs());
    const double kl = sums.kl / static_cast<double>(sums.tokens), improvement = sums.objective - before;
    result.accepted = kl <= options_.target_kl && improvement > 0;
    if (result.accepted) {
      result.kl = kl;
      result.improvement = improvement;
      result.step_norm = length * std::sqrt(dot(solution, solution));
    }
    length *= options_.line_search_shrinking_factor;
  }
  if (!result.accepted) {
    copy(start, theta);
    model.pack_trained();
  }
  return result;
}

void add_trpo_metrics(const TrpoResult& r, Metrics& metrics) {
  metrics.insert(metrics.end(), {{"kl_divergence_loss", r.kl},
                                 {"surrogate_improvement", r.improvement},
                                 {"is_line_search_success", r.accepted ? 1.0 : 0.0},
                                 {"line_search_steps", static_cast<double>(r.line_search_steps)},
                                 {"step_norm", r.step_norm},
                                 {"cg_steps", static_cast<double>(r.cg_steps)},
                                 {"cg_residual", r.cg_residual}});
}

}  // namespace cohort
