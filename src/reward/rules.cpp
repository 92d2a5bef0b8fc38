#include "reward/rules.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {

std::span<const RewardRule* const> reward_rules() {
  static constexpr const RewardRule* kRules[] = {
      // clang-format off
      &kAnswerTagRule,
      &kCodeRule,
      &kCodeFractionRule,
      &kCosineScaledRule,
      &kCountdownRule,
      &kLanguageConsistencyRule,
      &kLastNumberRule,
      &kMathRule,
      &kReasoningStepsRule,
      &kRepetitionPenaltyRule,
      &kSoftOverlongRule,
      &kTagCountRule,
      &kThinkFormatRule,
      &kTokenBudgetRule,
  };
  // clang-format on
  return kRules;
}

const RewardRule* find_reward_rule(std::string_view name) {
  for (const RewardRule* rule : reward_rules())
    if (rule->name == name) return rule;
  return nullptr;
}

RewardResult not_computed(std::string reason) { return {0, false, std::move(reason)}; }
RewardResult computed(double value) { return {value, true, {}}; }

std::optional<std::string> gold_text(const nlohmann::json& fields, std::string& reason) {
  const auto it = fields.find("answer");
  if (it == fields.end()) {
    reason = "the row has no field \"answer\"";
  } else if (it->is_string()) {
    return it->get<std::string>();
  } else if (it->is_number()) {
    return it->dump();
  } else {
    reason = fmt::format("\"answer\" is {}, expected a string or a number", it->type_name());
  }
  return std::nullopt;
}

}  // namespace cohort
