#include "rl/fisher.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/vector.h"

namespace cohort {

FisherProduct::FisherProduct(Model& model, const Tensor& start, std::span<const Group> batch,
                             const BatchPasses& passes, double damping)
    : model_(model), start_(start), passes_(passes), damping_(damping) {
  for (const Group& group : batch)
    for (const Sample& s : group.samples)
      for (size_t t = 0; t < s.completion_ids.size(); ++t) {
        sampled_.push_back(s.is_sampled(t));
        tokens_ += s.is_sampled(t);
      }
  // A hundredth of the weights is never needed: a direction of which so much changes nothing has no
  // curvature.
  const double weights = std::sqrt(dot(start, start));
  longest_ = 1e-2 * weights;
  length_ = 1e-4 * weights;
}

std::vector<float> FisherProduct::shifted_log_probs(double h, const Tensor& v) {
  scaled_sum(start_, h, v, model_.trained_flat());
  model_.pack_trained();
  return passes_.log_probs();
}

// Writes J v by the length of now; returns the root mean square of the log-probs' change.
double FisherProduct::differentiate(const Tensor& v, double norm) {
  const double h = length_ / norm;
  const std::vector<float> above = shifted_log_probs(h, v), below = shifted_log_probs(-h, v);
  COHORT_CHECK(above.size() == sampled_.size() && below.size() == sampled_.size(),
               "{} log-probs of {} tokens", above.size(), sampled_.size());
  derivatives_.assign(sampled_.size(), 0.0);
  double squares = 0;
  for (size_t t = 0; t < sampled_.size(); ++t) {
    if (!sampled_[t]) continue;
    const double change = (double{above[t]} - double{below[t]}) / 2;
    derivatives_[t] = change / h;
    squares += change * change;
  }
  return std::sqrt(squares / tokens_);
}

Tensor FisherProduct::operator()(const Tensor& v) {
  const double norm = std::sqrt(dot(v, v));
  COHORT_CHECK(norm > 0 && tokens_ > 0, "a product with norm {} over {} tokens", norm, tokens_);
  for (int attempt = 0;; ++attempt) {
    const double change = differentiate(v, norm);
    const bool far = !(change > kChange / 4 && change < kChange * 4);
    const double factor = std::isfinite(change) ? kChange / std::max(change, kChange / 64) : 1.0 / 64;
    const double length = std::min(length_ * std::max(factor, 1.0 / 64), longest_);
    const bool settled = !far || length == length_ || attempt == 3;
    if (settled) break;
    length_ = length;
  }
  std::memcpy(model_.trained_flat().data, start_.data, static_cast<size_t>(start_.size()) * sizeof(float));
  model_.pack_trained();
  std::vector<float> seeds(derivatives_.size());
  for (size_t t = 0; t < seeds.size(); ++t) seeds[t] = static_cast<float>(derivatives_[t] / tokens_);
  const Tensor product = passes_.gradient(seeds);
  scaled_sum(product, damping_, v, product);
  return product;
}

}  // namespace cohort
