#include "rl/coefficient_policy.h"

#include <algorithm>
#include <limits>

#include "base/math.h"

namespace cohort {
namespace {

// PPO's term: min(min(r, delta) A, clip(r, low, high) A).
PolicyTerm clipped(double ratio, double advantage, const ClipRange& range, std::optional<double> delta) {
  const bool bounded = delta && ratio > *delta;
  const double unclipped = (bounded ? *delta : ratio) * advantage;
  const double clipped = std::clamp(ratio, range.low, range.high) * advantage;
  const bool moves = unclipped <= clipped ? !bounded : ratio >= range.low && ratio <= range.high;
  return {std::min(unclipped, clipped), moves ? ratio * advantage : 0, 0};
}

// CISPO (arXiv 2506.13585): the ratio is a weight, bounded above and held; no token loses its gradient.
PolicyTerm cispo(double log_prob, double ratio, double advantage, double high) {
  const double slope = std::min(ratio, high) * advantage;
  return {slope * log_prob, 0, slope};
}

// SAPO (arXiv 2511.20347): a sigmoid gate about r = 1 in place of the clip; its slope there is A.
PolicyTerm sapo(double ratio, double advantage, const CoefficientOptions& o) {
  const double temperature = advantage > 0 ? o.sapo_temperature_pos : o.sapo_temperature_neg;
  const double gate = 1 / (1 + exp(-temperature * (ratio - 1)));
  return {4 / temperature * gate * advantage, 4 * gate * (1 - gate) * ratio * advantage, 0};
}

// VESPO (arXiv 2602.10693): each token weighs phi(w) = e^lambda w^k e^(-lambda w), held, where w is the
// product of the completion's ratios.
void vespo(const PolicyInput& in, const CoefficientOptions& o, std::span<PolicyTerm> terms) {
  double log_w = 0;
  for (double log_ratio : in.log_ratios) log_w += std::clamp(log_ratio, -20.0, 20.0);
  log_w = std::clamp(log_w, log(1e-8), 20.0);
  const double w = exp(log_w);
  for (size_t i = 0; i < terms.size(); ++i) {
    const bool good = in.advantages[i] >= 0;
    const double k = good ? o.vespo_k_pos : o.vespo_k_neg;
    const double lambda = good ? o.vespo_lambda_pos : o.vespo_lambda_neg;
    const double slope = exp(lambda + k * log_w - lambda * w) * in.advantages[i];
    terms[i] = {slope * in.log_probs[i], 0, slope};
  }
}

// GMPO (arXiv 2507.20673): the geometric mean of the completion's clipped ratios takes the place of each. The
// clip is in log r, to [-epsilon, epsilon_high], on the side where the advantage pushes.
void gmpo(const PolicyInput& in, const CoefficientOptions& o, std::span<PolicyTerm> terms) {
  const double n = static_cast<double>(terms.size());
  const double low = -o.epsilon, high = o.epsilon_high.value_or(o.epsilon);
  double mean = 0, advantage = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const double x = in.log_ratios[i], a = in.advantages[i];
    const bool moves = a > 0 ? x <= high : a < 0 && x >= low;
    terms[i].by_log_prob = moves;
    mean += a > 0 ? std::min(x, high) : a < 0 ? std::max(x, low) : 0;
    advantage += a;
  }
  const double ratio = exp(mean / n);
  for (size_t i = 0; i < terms.size(); ++i)
    terms[i] = {ratio * in.advantages[i], 0, terms[i].by_log_prob * ratio * (advantage / n)};
}

// DeepSeek-R1's form (arXiv 2501.12948, equation 1): one clipped term of the whole completion, whose ratio is
// the product of its tokens'. Each token holds it, and together they weigh 1.
void whole_completion(const PolicyInput& in, const CoefficientOptions& o, std::span<PolicyTerm> terms) {
  const double n = static_cast<double>(terms.size());
  double advantage = 0;
  for (double a : in.advantages) advantage += a / n;
  const PolicyTerm term = clipped(in.ratios[0], advantage, clip_range(o), o.delta);
  for (PolicyTerm& t : terms) t = {term.value, 0, n * term.by_log_ratio};
}

}  // namespace

ClipRange clip_range(const CoefficientOptions& o) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double high = o.epsilon_high.value_or(o.epsilon);
  switch (o.loss_type) {
    case LossType::cispo:
      return {0, high};
    case LossType::sapo:
    case LossType::vespo:
      return {0, kInfinity};
    case LossType::gmpo:
      return {exp(-o.epsilon), exp(high)};
    default:
      return {1 - o.epsilon, 1 + high};
  }
}

void policy_terms(const PolicyInput& in, const CoefficientOptions& o, std::span<PolicyTerm> terms) {
  if (o.loss_type == LossType::vespo) return vespo(in, o, terms);
  if (o.loss_type == LossType::gmpo) return gmpo(in, o, terms);
  if (o.loss_type == LossType::r1) return whole_completion(in, o, terms);
  const ClipRange range = clip_range(o);
  for (size_t i = 0; i < terms.size(); ++i) {
    const double ratio = in.ratios[i], advantage = in.advantages[i];
    if (o.loss_type == LossType::cispo)
      terms[i] = cispo(in.log_probs[i], ratio, advantage, range.high);
    else if (o.loss_type == LossType::sapo)
      terms[i] = sapo(ratio, advantage, o);
    else
      terms[i] = clipped(ratio, advantage, range, o.delta);
  }
}

}  // namespace cohort
