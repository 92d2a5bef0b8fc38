// explain_odd_numbers of metrics.h.
#include <fmt/format.h>

#include <cmath>

#include "rl/metrics.h"

namespace cohort {

std::vector<std::string> explain_odd_numbers(const Metrics& metrics, const MetricsContext& context) {
  std::vector<std::string> lines;
  const auto value = [&](std::string_view name) { return metric(metrics, name); };
  const auto say = [&](std::string_view name, std::string_view why) {
    lines.push_back(fmt::format("{} is {:.4g}: {}", name, value(name), why));
  };

  // With a critic equal rewards are no lack of a gradient.
  const bool no_spread = value("frac_reward_zero_std") == 1 && std::isnan(value("loss/value_avg"));
  if (no_spread)
    say("frac_reward_zero_std",
        value("reward_std") == 0
            ? "every completion of this step got the same reward, so no advantage and no gradient; the task "
              "is "
              "too hard, too easy, or the reward does not read the completions"
            : "within every prompt all completions got the same reward, so no advantage and no gradient; "
              "take "
              "more generations per prompt, a higher temperature, or prompts of middling difficulty");
  for (const auto& [name, number] : metrics)
    if (name == "reward" && std::isnan(number)) say(name, "no reward of this step could be computed");
  for (const auto& [name, count] : metrics)
    if (name.starts_with("rewards/") && name.ends_with("/uncomputed"))
      say(name, "rewards that could not be computed; these completions get no advantage and enter no mean");

  const double loss = value("loss");
  if (!std::isnan(value("clip_ratio/region_mean")) && std::abs(loss) < 1e-6 && context.on_policy &&
      !no_spread)
    say("loss",
        "expected on the first update after a roll-out: the ratio is 1 and a group's advantages sum to 0, so "
        "the loss is near 0 while its gradient is not; watch reward instead");
  if (context.on_policy && value("clip_ratio/region_mean") == 0)
    say("clip_ratio/region_mean",
        "by construction on the first update after a roll-out, where every ratio is 1; clipping starts with "
        "num_iterations or steps_per_generation above 1");
  if (value("kl") == 0) say("kl", "the policy still equals its reference, as before the first update");

  if (value("completions/clipped_ratio") == 1)
    say("completions/clipped_ratio",
        fmt::format(
            "every completion was cut at max_completion_length = {}; raise it, or check that the model "
            "knows its end token or a stop string",
            context.max_completion_length));
  const double norm = value("grad_norm");
  if (norm == 0 && !no_spread) say("grad_norm", "no sampled token has a seed in this step");
  for (const auto& [name, number] : metrics)
    if ((name == "loss" || name == "grad_norm") && !std::isfinite(number))
      say(name, "not a finite number; lower learning_rate, or look for a log-prob that is not finite");
  if (value("entropy") < 0.01)
    say("entropy", "the policy has all but stopped exploring, so its completions hardly differ");

  if (value("is_line_search_success") == 0 && value("line_search_steps") > 0)
    say("is_line_search_success",
        "no length that was tried kept the KL within target_kl and raised the surrogate, so the weights of "
        "before "
        "stay; now and then it is harmless, else take more completions in a step, raise cg_damping or "
        "line_search_max_iter");

  if (value("rewards/margins") == 0)
    say("rewards/margins",
        "by construction before the first update, where the policy is its reference: no pair counts as right "
        "and "
        "the loss is log 2 = 0.693");
  else if (value("rewards/accuracies") == 0)
    say("rewards/accuracies",
        "every pair is ordered the wrong way; look whether chosen and rejected are swapped, or lower "
        "learning_rate");
  if (value("rewards/chosen") < -1 && value("rewards/margins") > 0)
    say("rewards/chosen",
        "the chosen completions become less likely too: only their distance to the rejected ones is trained; "
        "raise "
        "beta or lower learning_rate where they must stay likely");

  for (const auto& [name, number] : metrics)
    if (name == "explained_variance" && std::isnan(number))
      say(name, "all returns of this step are equal, so there is nothing to explain");
  if (value("explained_variance") < 0)
    say("explained_variance",
        "the values of sampling time are worse than a constant would be, as usual in the first steps; if it "
        "stays "
        "so, raise vf_coef or the critic's learning rate");
  if (value("val/clipfrac_avg") > 0.5)
    say("val/clipfrac_avg",
        "most values moved past cliprange_value in this roll-out and learn no more from it; raise it, or "
        "take fewer "
        "epochs");
  return lines;
}

}  // namespace cohort
