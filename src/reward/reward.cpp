#include "reward/reward.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "reward/rules.h"

namespace cohort {

std::vector<RewardFunction> make_rewards(const RewardSettings& settings, int64_t max_completion_length) {
  const std::vector<std::string>& names = settings.reward_funcs;
  if (!settings.reward_weights.empty() && settings.reward_weights.size() != names.size())
    fail("reward_weights: expected one for each of the {} reward_funcs, found {}", names.size(),
         settings.reward_weights.size());
  std::vector<std::string> known;
  for (const RewardRule* rule : reward_rules()) known.emplace_back(rule->name);
  std::vector<RewardFunction> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    for (const RewardFunction& earlier : out)
      if (earlier.name == name) fail("reward_funcs: \"{}\" stands there twice", name);
    RewardFunction function;
    function.name = name;
    if (!settings.reward_weights.empty()) function.weight = settings.reward_weights[i];
    if (!std::isfinite(function.weight))
      fail("reward_weights: expected finite numbers, found {}", function.weight);
    if (const RewardRule* rule = find_reward_rule(name))
      rule->make(settings, max_completion_length, function);
    if (!function.call && !function.call_all && !name.starts_with(kModelReward)) {
      const std::string nearest = nearest_name(name, known);
      fail("reward_funcs: expected some of {}, or model:PATH, found \"{}\"{}", fmt::join(known, ", "), name,
           nearest.empty() ? "" : fmt::format(" (nearest: {})", nearest));
    }
    out.push_back(std::move(function));
  }
  return out;
}

std::vector<Score> score(std::span<const RewardFunction> functions, std::span<const RewardInput> inputs) {
  std::vector<Score> out(inputs.size());
  for (const RewardFunction& function : functions) {
    std::vector<RewardResult> results;
    if (function.call_all) {
      results = function.call_all(inputs);
      COHORT_CHECK(results.size() == inputs.size(), "{} results for {} inputs", results.size(),
                   inputs.size());
    } else {
      for (const RewardInput& input : inputs) results.push_back(function.call(input));
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      RewardResult& result = results[i];
      if (result.computed && !std::isfinite(result.value))
        result = not_computed(fmt::format("the value is {}", result.value));
      const double value = result.computed ? result.value : std::numeric_limits<double>::quiet_NaN();
      out[i].rewards.emplace_back(function.name, value);
      out[i].reward += function.weight * value;
      if (!result.computed) out[i].reasons.push_back(fmt::format("{}: {}", function.name, result.reason));
    }
  }
  return out;
}

}  // namespace cohort
