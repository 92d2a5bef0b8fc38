// The table of rewards by rule: each in a file of its own, with what it pays, and made from a recipe's settings.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "reward/reward.h"
#include "reward/settings.h"

namespace cohort {

struct RewardRule {
  std::string_view name, summary;
  // Sets call (or call_all), and extract where the reward is about an answer. Throws Error for settings that
  // it cannot do with. `max_completion_length`: tokens; 0: not known.
  void (*make)(const RewardSettings& settings, int64_t max_completion_length, RewardFunction& function);
  bool costly = false;  // judged by worker processes (workers.h)
};

// clang-format off
extern const RewardRule
    kAnswerTagRule,
    kCodeRule,
    kCodeFractionRule,
    kCosineScaledRule,
    kCountdownRule,
    kLanguageConsistencyRule,
    kLastNumberRule,
    kMathRule,
    kReasoningStepsRule,
    kRepetitionPenaltyRule,
    kSoftOverlongRule,
    kTagCountRule,
    kTextMatchRule,
    kThinkFormatRule,
    kTokenBudgetRule,
    kTokenF1Rule;
// clang-format on

// All of them, by name.
std::span<const RewardRule* const> reward_rules();
const RewardRule* find_reward_rule(std::string_view name);  // null: there is none

// Results of rules.
RewardResult not_computed(std::string reason);
RewardResult computed(double value);

// The row's `answer` as text: a string's content, or a number as it is written; nothing, and why, where there is none.
std::optional<std::string> gold_text(const nlohmann::json& fields, std::string& reason);

// What a row expects: `answer`, `solution`, `ground_truth` or verl's reward_model.ground_truth, the first
// that is there. Several texts in a list: any of them. None, and why, where there is nothing to compare with.
std::vector<std::string> expected_answers(const nlohmann::json& fields, std::string& reason);

}  // namespace cohort
