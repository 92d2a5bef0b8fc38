#include "rl/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rl/credit.h"

namespace cohort {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Lengths {
  double sum = 0, low = std::numeric_limits<double>::infinity(), high = 0, count = 0;
  void add(double length) {
    sum += length;
    low = std::min(low, length);
    high = std::max(high, length);
    ++count;
  }
  void report(std::string_view name, Metrics& metrics) const {  // zeros where there is none, as TRL
    metrics.emplace_back(fmt::format("completions/mean_{}", name), count > 0 ? sum / count : 0);
    metrics.emplace_back(fmt::format("completions/min_{}", name), count > 0 ? low : 0);
    metrics.emplace_back(fmt::format("completions/max_{}", name), high);
  }
};

void add_pair_metrics(const CoefficientSums& sums, Metrics& metrics) {
  const double pairs = static_cast<double>(sums.pairs);
  metrics.emplace_back("rewards/chosen", sums.reward_chosen / pairs);
  metrics.emplace_back("rewards/rejected", sums.reward_rejected / pairs);
  metrics.emplace_back("rewards/accuracies", static_cast<double>(sums.pairs_right) / pairs);
  metrics.emplace_back("rewards/margins", sums.margin / pairs);
}

void add_value_metrics(const CoefficientSums& sums, double tokens, Metrics& metrics) {
  const auto variance = [&](double sum, double squares) {
    const double mean = sum / tokens, square = squares / tokens, result = square - mean * mean;
    return result > 1e-12 * square ? result : 0;  // what is left of equal numbers is rounding
  };
  metrics.emplace_back("loss/value_avg", 0.5 * sums.value_loss / tokens);
  metrics.emplace_back("val/error", sums.value_error / tokens);
  metrics.emplace_back("val/clipfrac_avg", sums.value_clipped / tokens);
  metrics.emplace_back("policy/approxkl_avg", sums.approx_kl / tokens);
  metrics.emplace_back("policy/clipfrac_avg", (sums.clipped_low + sums.clipped_high) / sums.ratio_count);
  const double spread = variance(sums.returns, sums.returns_squared);
  metrics.emplace_back("explained_variance",
                       spread > 0 ? 1 - variance(sums.residual, sums.residual_squared) / spread : kNan);
}

// Whether a critic's values were counted; not seen where all values and returns are 0.
}  // namespace

double metric(const Metrics& metrics, std::string_view name) {
  for (const auto& [key, value] : metrics)
    if (key == name) return value;
  return kNan;
}

void add_rollout_metrics(std::span<const Group> groups, Metrics& metrics) {
  std::vector<double> rewards, own;
  std::vector<std::pair<std::string, std::vector<double>>> by_function;
  double samples = 0, zero_std = 0, cut = 0;
  Lengths all, terminated;
  for (const Group& group : groups) {
    own.clear();
    for (const Sample& sample : group.samples) {
      own.push_back(sample.reward);
      for (const auto& [name, value] : sample.rewards) {
        auto it = std::ranges::find(by_function, name, &std::pair<std::string, std::vector<double>>::first);
        if (it == by_function.end()) it = by_function.insert(it, {name, {}});
        it->second.push_back(value);
      }
      const double length = static_cast<double>(sample.sampled_tokens());
      all.add(length);
      if (sample.finish_reason == "length")
        ++cut;
      else
        terminated.add(length);
    }
    samples += static_cast<double>(own.size());
    if (reward_stats(own).std == 0) zero_std += static_cast<double>(own.size());
    rewards.insert(rewards.end(), own.begin(), own.end());
  }
  const RewardStats stats = reward_stats(rewards);
  metrics.emplace_back("reward", stats.mean);
  metrics.emplace_back("reward_std", stats.std);
  metrics.emplace_back("frac_reward_zero_std", samples > 0 ? zero_std / samples : kNan);
  for (const auto& [name, values] : by_function) {
    const RewardStats one = reward_stats(values);
    metrics.emplace_back(fmt::format("rewards/{}/mean", name), one.mean);
    metrics.emplace_back(fmt::format("rewards/{}/std", name), one.std);
    const auto uncomputed = static_cast<int64_t>(values.size()) - one.computed;
    if (uncomputed > 0)
      metrics.emplace_back(fmt::format("rewards/{}/uncomputed", name), static_cast<double>(uncomputed));
  }
  all.report("length", metrics);
  terminated.report("terminated_length", metrics);
  metrics.emplace_back("completions/clipped_ratio", samples > 0 ? cut / samples : kNan);
}

void add_update_metrics(const CoefficientSums& sums, const CoefficientOptions& options, Metrics& metrics) {
  const double tokens = static_cast<double>(std::max<int64_t>(sums.tokens, 1));
  metrics.emplace_back("loss", 0 - sums.objective);  // never -0
  if (sums.ratio_count > 0 && options.beta != 0) metrics.emplace_back("kl", sums.kl / tokens);
  metrics.emplace_back("entropy", sums.entropy / tokens);
  if (sums.pairs > 0) add_pair_metrics(sums, metrics);
  if (sums.ratio_count == 0) return;
  metrics.emplace_back("clip_ratio/low_mean", sums.clipped_low / sums.ratio_count);
  metrics.emplace_back("clip_ratio/low_min", sums.clipped_low_min);
  metrics.emplace_back("clip_ratio/high_mean", sums.clipped_high / sums.ratio_count);
  metrics.emplace_back("clip_ratio/high_max", sums.clipped_high_max);
  metrics.emplace_back("clip_ratio/region_mean", (sums.clipped_low + sums.clipped_high) / sums.ratio_count);
  metrics.emplace_back("ratio/mean", sums.ratio / sums.ratio_count);
  metrics.emplace_back("ratio/min", sums.ratio_min);
  metrics.emplace_back("ratio/max", sums.ratio_max);
  if (sums.values > 0) add_value_metrics(sums, tokens, metrics);
}

int64_t rollout_tokens(std::span<const Group> groups) {
  int64_t tokens = 0;
  for (const Group& group : groups)
    for (const Sample& sample : group.samples)
      tokens += static_cast<int64_t>(sample.prompt_ids.size()) + sample.sampled_tokens();
  return tokens;
}

}  // namespace cohort
