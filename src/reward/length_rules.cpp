// Rewards for the length of a completion, in sampled tokens.
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/math.h"
#include "reward/rules.h"

namespace cohort {
namespace {

RewardResult no_length() { return not_computed("the row has neither completion_tokens nor completion_ids"); }

}  // namespace

// DAPO (arXiv 2503.14476, equation 13): 0 up to soft_punish_cache tokens before max_completion_length, then
// falling in a line to -1 at it. Differs in that a completion cannot be longer than that.
const RewardRule kSoftOverlongRule = {
    "soft_overlong_punishment",
    "0, and from soft_punish_cache tokens before max_completion_length falling to -1 at it (DAPO)",
    [](const RewardSettings& s, int64_t most, RewardFunction& f) {
      if (s.soft_punish_cache < 1 || s.soft_punish_cache > most)
        fail("{} needs soft_punish_cache of 1 to max_completion_length ({}), found {}",
             kSoftOverlongRule.name, most, s.soft_punish_cache);
      const int64_t cache = s.soft_punish_cache, free = most - cache;
      f.call = [cache, free](const RewardInput& input) {
        if (input.completion_tokens == kUnknownLength) return no_length();
        const int64_t over = input.completion_tokens - free;
        return computed(over <= 0 ? 0 : -std::min(1.0, static_cast<double>(over) / static_cast<double>(cache)));
      };
    }};

namespace {

// What the first of the recipe's rewards says of the answer, for rewards that pay by it.
std::function<RewardResult(const RewardInput&)> verdict_of_the_first(const RewardRule& rule,
                                                                     const RewardSettings& s,
                                                                     int64_t max_completion_length) {
  const std::string& first = s.reward_funcs.front();
  const RewardRule* judge = find_reward_rule(first);
  RewardFunction function;
  if (judge && judge != &rule) judge->make(s, max_completion_length, function);
  if (!function.call)
    fail(
        "reward_funcs: {} pays by what the first of them says, expected a rule about the answer there, found "
        "\"{}\"",
        rule.name, first);
  return function.call;
}

// From `start` at no tokens to `end` at all of them, along half a cosine.
double along_cosine(double start, double end, double progress) {
  constexpr double kPi = 3.14159265358979323846;
  return end + 0.5 * (start - end) * (1 + cos(progress * kPi));
}

}  // namespace

// "Demystifying Long Chain-of-Thought Reasoning" (arXiv 2502.03373), as open-r1 and TRL have it; in tokens, open-r1
// in characters.
const RewardRule kCosineScaledRule = {
    "cosine_scaled",
    "by the first reward's verdict: right pays from cosine_max_value_correct down to "
    "cosine_min_value_correct as the "
    "completion grows to cosine_max_len, wrong from cosine_min_value_wrong up to cosine_max_value_wrong",
    [](const RewardSettings& s, int64_t most, RewardFunction& f) {
      const int64_t length = s.cosine_max_len > 0 ? s.cosine_max_len : most;
      if (length < 1)
        fail("cosine_max_len: {} needs the length at which it ends, found 0", kCosineScaledRule.name);
      f.call = [s, length,
                verdict = verdict_of_the_first(kCosineScaledRule, s, most)](const RewardInput& input) {
        if (input.completion_tokens == kUnknownLength) return no_length();
        RewardResult right = verdict(input);
        if (!right.computed) return right;
        const double progress =
            std::min(1.0, static_cast<double>(input.completion_tokens) / static_cast<double>(length));
        return computed(right.value >= 1
                            ? along_cosine(s.cosine_max_value_correct, s.cosine_min_value_correct, progress)
                            : along_cosine(s.cosine_min_value_wrong, s.cosine_max_value_wrong, progress));
      };
    }};

// L1 (arXiv 2503.04697, equation 1), the part that is about the length.
const RewardRule kTokenBudgetRule = {
    "token_budget",
    "-token_budget_alpha for each token that the completion is longer or shorter than the row's token_budget "
    "(or the "
    "recipe's)",
    [](const RewardSettings& s, int64_t, RewardFunction& f) {
      f.call = [budget = s.token_budget, alpha = s.token_budget_alpha](const RewardInput& input) {
        if (input.completion_tokens == kUnknownLength) return no_length();
        int64_t wanted = budget;
        if (const auto field = input.fields.find("token_budget"); field != input.fields.end()) {
          if (!field->is_number_integer() || field->get<int64_t>() < 1)
            return not_computed(
                fmt::format("\"token_budget\" is {}, expected a number of tokens", field->dump()));
          wanted = field->get<int64_t>();
        }
        if (wanted < 1) return not_computed("neither the row nor the recipe has a token_budget");
        return computed(-alpha * static_cast<double>(std::abs(input.completion_tokens - wanted)));
      };
    }};

}  // namespace cohort
