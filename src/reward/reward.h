// Rewards by rule: a function of the row, the prompt and the completion's text.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cohort {

// A reward that cannot be computed (gold that cannot be read) is not a 0: `computed` is false and `reason`
// says why.
struct RewardResult {
  double value = 0;
  bool computed = true;
  std::string reason;
};

struct RewardInput {
  const nlohmann::json& fields;  // the row as it stands in the file
  std::string_view prompt, completion;
  int64_t completion_tokens = 0;  // sampled, the end token included
  std::span<const int32_t> prompt_ids = {},
                           completion_ids = {};  // of the policy; empty where only text is known
};

// What some rewards need to know of a recipe.
struct RewardOptions {
  int64_t max_completion_length = 0, soft_punish_cache = 0;  // tokens
};

struct RewardFunction {
  std::string name;
  double weight = 1;
  std::function<RewardResult(const RewardInput&)> call;
  // In place of `call`: all inputs at once, as a model judges them.
  std::function<std::vector<RewardResult>(std::span<const RewardInput>)> call_all;
  // The answer that a completion gives, in a form in which equal answers have equal text, for majority votes;
  // empty where it gives none. No function where the reward is not about an answer.
  std::function<std::string(std::string_view completion)> extract;
};

// One line for each reward that exists: name, what it pays.
struct RewardInfo {
  std::string_view name, summary;
};
std::span<const RewardInfo> reward_list();

inline constexpr std::string_view kModelReward = "model:";

// The functions of a recipe (TRL's reward_funcs and reward_weights). Empty weights: 1 for each. Throws Error
// for an unknown or repeated name, a wrong number of weights, a weight that is not finite, or options that a
// reward cannot do with. "model:PATH" is a reward model, which computes nothing before its call_all is set
// (run/reward_model.h).
std::vector<RewardFunction> make_rewards(std::span<const std::string> reward_funcs,
                                         std::span<const double> reward_weights,
                                         const RewardOptions& options = {});

struct Score {
  std::vector<std::pair<std::string, double>> rewards;  // by function; NaN: could not be computed
  double reward = 0;                 // weighted sum; NaN where one of them could not be computed
  std::vector<std::string> reasons;  // "NAME: why", of those not computed
};
// Differs from TRL, where a missing reward counts 0 in the sum unless all are missing.
std::vector<Score> score(std::span<const RewardFunction> functions, std::span<const RewardInput> inputs);

}  // namespace cohort
