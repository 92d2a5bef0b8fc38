#include "reward/reward.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "reward/command.h"
#include "reward/rules.h"
#include "reward/workers.h"

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
    if (name.starts_with(kCommandReward))
      function.call_all = command_reward(name.substr(kCommandReward.size()), settings.reward_command_timeout);
    if (!function.call && !function.call_all && !name.starts_with(kModelReward)) {
      const std::string nearest = nearest_name(name, known);
      fail("reward_funcs: expected some of {}, model:PATH or command:LINE, found \"{}\"{}",
           fmt::join(known, ", "), name, nearest.empty() ? "" : fmt::format(" (nearest: {})", nearest));
    }
    out.push_back(std::move(function));
  }
  assign_roles(settings, out);
  give_to_workers(settings, max_completion_length, out);
  return out;
}

void begin_rewards(std::span<const RewardFunction> functions, const RewardInput& input) {
  for (const RewardFunction& f : functions)
    if (f.begin && f.route.leads(input.fields)) return f.begin(input);
}

void check_judged(std::span<const RewardFunction> functions, const nlohmann::json& fields) {
  const auto judges = [&](const RewardFunction& f) { return f.route.leads(fields); };
  if (functions.empty() || std::ranges::any_of(functions, judges)) return;
  const std::string& field = functions.front().route.field;
  const auto it = fields.find(field);
  fail("reward_routes: no reward judges a row whose \"{}\" is {}; a route *=NAME takes all other kinds",
       field, it == fields.end() ? "missing" : dump_json(*it));
}

std::vector<Score> score(std::span<const RewardFunction> functions, std::span<const RewardInput> inputs) {
  std::vector<Score> out(inputs.size());
  for (const RewardInput& input : inputs) check_judged(functions, input.fields);
  for (const RewardFunction& function : functions) {
    std::vector<size_t> judged;
    std::vector<RewardInput> own;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (function.route.leads(inputs[i].fields)) {
        judged.push_back(i);
        own.push_back(inputs[i]);
      }
    std::vector<RewardResult> results;
    if (function.call_all) {
      results = function.call_all(own);
      COHORT_CHECK(results.size() == own.size(), "{} results for {} inputs", results.size(), own.size());
    } else {
      for (const RewardInput& input : own) results.push_back(function.call(input));
    }
    for (size_t i = 0; i < own.size(); ++i) {
      RewardResult& result = results[i];
      if (result.computed && !std::isfinite(result.value))
        result = not_computed(fmt::format("the value is {}", result.value));
      Score& score = out[judged[i]];
      score.rewards.emplace_back(function.name,
                                 result.computed ? result.value : std::numeric_limits<double>::quiet_NaN());
      if (!result.reason.empty())
        (result.computed ? score.notes : score.reasons).push_back(fmt::format("{}: {}", function.name, result.reason));
    }
  }
  for (Score& score : out) score.reward = mixed_reward(functions, score.rewards);
  return out;
}

}  // namespace cohort
