#include "rl/methods.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "base/options.h"
#include "rl/distillation.h"
#include "rl/pairs.h"
#include "rl/preference.h"
#include "rl/trpo.h"
#include "rl/value_loss.h"

namespace cohort {
namespace {

constexpr Method kMethods[] = {
    {"sft", "supervised fine-tuning on completions", Source::file, constant_credit, plain},
    {"rft", "rejection sampling: supervised on the starting model's own right completions",
     Source::initial_policy, constant_credit, plain},
    {"online-rft", "the same from the live policy, in each step", Source::policy, reward_credit, plain},
    {"dpo", "direct preference optimization on pairs", Source::pairs, pair_credit, preference, Other::always},
    {"ppo", "proximal policy optimization with a critic", Source::policy, gae_advantages,
     clipped_ratio_and_value, Other::reference, true},
    {"grpo", "group relative policy optimization", Source::policy, group_advantages, clipped_ratio,
     Other::reference},
    {"trpo", "trust region policy optimization: grpo's credit, a natural-gradient step bounded in KL",
     Source::policy, group_advantages, surrogate, Other::none, false, UpdateRule::trpo},
    {"distill", "on-policy distillation: the teacher's log-probs minus the policy's", Source::policy,
     distillation_credit, clipped_ratio, Other::teacher},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

const Method& find_method(std::string_view name) {
  std::vector<std::string> names;
  for (const Method& method : kMethods) {
    if (method.name == name) return method;
    names.emplace_back(method.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("method: expected one of {}, found \"{}\"{}", fmt::join(names, ", "), name,
       nearest.empty() ? "" : fmt::format(" (nearest: {})", nearest));
}

}  // namespace cohort
