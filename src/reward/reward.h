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

#include "reward/mixture.h"
#include "reward/settings.h"

namespace cohort {

// A reward that cannot be computed (gold that cannot be read) is not a 0: `computed` is false and `reason`
// says why. A computed one may say why too.
struct RewardResult {
  double value = 0;
  bool computed = true;
  std::string reason;
};

inline constexpr int64_t kUnknownLength = -1;

struct RewardInput {
  const nlohmann::json& fields;  // the row as it stands in the file
  std::string_view prompt, completion;
  int64_t completion_tokens = 0;  // sampled, the end token included; kUnknownLength where only the text is known
  std::span<const int32_t> prompt_ids = {},
                           completion_ids = {};  // of the policy; empty where only text is known
};

struct RewardFunction {
  std::string name;
  double weight = 1;
  RewardRole role = RewardRole::term;
  RewardRoute route;
  std::function<RewardResult(const RewardInput&)> call;
  // In place of `call`: all inputs at once, as a model judges them.
  std::function<std::vector<RewardResult>(std::span<const RewardInput>)> call_all;
  // Says that a completion will be judged later, by this function and by the others that have a `begin` too: judging
  // starts beside whatever else is done. For one completion, one of them is called; the row is told from others by its address.
  std::function<void(const RewardInput&)> begin;
  // The answer that a completion gives, in a form in which equal answers have equal text, for majority votes;
  // empty where it gives none. No function where the reward is not about an answer.
  std::function<std::string(std::string_view completion)> extract;
};

inline constexpr std::string_view kModelReward = "model:", kCommandReward = "command:";

// The functions of a recipe. Throws Error for an unknown or repeated name, a wrong number of weights, a weight that
// is not finite, or settings that a reward cannot do with. "model:PATH" is a reward model, which computes
// nothing before its call_all is set (run/reward_model.h). `max_completion_length`: tokens; 0: not known.
std::vector<RewardFunction> make_rewards(const RewardSettings& settings, int64_t max_completion_length = 0);

// Calls the `begin` of the functions that judge the row.
void begin_rewards(std::span<const RewardFunction> functions, const RewardInput& input);

// Throws Error where no function judges a row.
void check_judged(std::span<const RewardFunction> functions, const nlohmann::json& fields);

struct Score {
  std::vector<std::pair<std::string, double>> rewards;  // by function that judges the row; NaN: not computed
  double reward = 0;                 // mixed (mixture.h); NaN where one that counts could not be computed
  std::vector<std::string> reasons;  // "NAME: why", of those not computed
  std::vector<std::string> notes;    // "NAME: why", of those computed that say
};
// Throws Error for a row that no function judges. Differs from TRL, where a missing reward counts 0 in the sum unless all are missing.
std::vector<Score> score(std::span<const RewardFunction> functions, std::span<const RewardInput> inputs);

}  // namespace cohort
