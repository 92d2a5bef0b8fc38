#include "reward/rules.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

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
      &kTextMatchRule,
      &kThinkFormatRule,
      &kTokenBudgetRule,
      &kTokenF1Rule,
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
    return dump_json(*it);
  } else {
    reason = fmt::format("\"answer\" is {}, expected a string or a number", it->type_name());
  }
  return std::nullopt;
}


std::vector<std::string> expected_answers(const nlohmann::json& fields, std::string& reason) {
  const nlohmann::json* found = nullptr;
  for (const char* name : {"answer", "solution", "ground_truth"})
    if (!found && fields.contains(name) && !fields[name].is_null()) found = &fields[name];
  if (!found && fields.contains("reward_model") && fields["reward_model"].is_object() &&
      fields["reward_model"].contains("ground_truth"))
    found = &fields["reward_model"]["ground_truth"];
  std::vector<std::string> out;
  if (!found) {
    reason =
        "the row has no field \"answer\", \"solution\", \"ground_truth\" or \"reward_model.ground_truth\"";
    return out;
  }
  const auto add = [&](const nlohmann::json& value) {
    if (value.is_string()) out.push_back(value.get<std::string>());
    if (value.is_number()) out.push_back(dump_json(value));
  };
  if (found->is_array())
    for (const nlohmann::json& value : *found) add(value);
  else
    add(*found);
  if (out.empty())
    reason = fmt::format("the expected answer is {}, expected a string or a number", found->type_name());
  return out;
}

}  // namespace cohort
