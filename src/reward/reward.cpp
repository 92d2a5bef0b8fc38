#include "reward/reward.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/options.h"
#include "reward/format.h"
#include "reward/number.h"

namespace cohort {
namespace {

RewardResult not_computed(std::string reason) { return {0, false, std::move(reason)}; }
RewardResult computed(bool right) { return {right ? 1.0 : 0.0, true, {}}; }

// The row's answer as text: a string's content, or a number as it is written.
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

RewardResult reward_last_number(const RewardInput& input) {
  std::string reason;
  const std::optional<std::string> text = gold_text(input.fields, reason);
  if (!text) return not_computed(reason);
  const std::optional<Decimal> gold = parse_number(*text);
  if (!gold) return not_computed(fmt::format("\"answer\" is no number: \"{:.60}\"", *text));
  return computed(last_number(input.completion) == gold);
}

RewardResult reward_answer_tag(const RewardInput& input) {
  std::string reason;
  const std::optional<std::string> text = gold_text(input.fields, reason);
  if (!text) return not_computed(reason);
  const std::string_view gold = trim(*text);
  if (gold.empty()) return not_computed("\"answer\" is empty");
  const std::optional<std::string_view> given = answer_tag(input.completion);
  if (!given) return computed(false);
  const std::optional<Decimal> number = parse_number(gold);
  return computed(number ? parse_number(*given) == number : *given == gold);
}

RewardResult reward_think_format(const RewardInput& input) {
  return computed(follows_think_answer(input.completion));
}

// DAPO (arXiv 2503.14476, equation 13): 0 up to soft_punish_cache tokens before max_completion_length, then
// falling in a line to -1 at it. Differs in that a completion cannot be longer than that.
double soft_overlong_punishment(int64_t tokens, const RewardOptions& options) {
  const int64_t over = tokens - (options.max_completion_length - options.soft_punish_cache);
  return over <= 0 ? 0 : -static_cast<double>(over) / static_cast<double>(options.soft_punish_cache);
}

std::string extract_last_number(std::string_view completion) { return last_number(completion).value_or(""); }

std::string extract_answer_tag(std::string_view completion) {
  const std::string_view given = answer_tag(completion).value_or("");
  return parse_number(given).value_or(std::string(given));
}

constexpr std::string_view kSoftOverlongPunishment = "soft_overlong_punishment";

struct Entry {
  RewardInfo info;
  RewardResult (*call)(const RewardInput&);  // null: made from the options
  std::string (*extract)(std::string_view);
};
constexpr Entry kRewards[] = {
    {{"answer_tag",
      "1 where <answer> ... </answer> holds the row's answer (numbers as exact decimals, else the same "
      "text)"},
     reward_answer_tag,
     extract_answer_tag},
    {{"last_number", "1 where the completion's last number equals the row's answer as an exact decimal"},
     reward_last_number,
     extract_last_number},
    {{kSoftOverlongPunishment,
      "0, and from soft_punish_cache tokens before max_completion_length falling to -1 at it (DAPO)"},
     nullptr,
     nullptr},
    {{"think_format",
      "1 where the completion is <think> ... </think> <answer> ... </answer> and nothing else"},
     reward_think_format,
     nullptr},
};

}  // namespace

std::span<const RewardInfo> reward_list() {
  static const std::vector<RewardInfo> list = [] {
    std::vector<RewardInfo> infos;
    for (const Entry& entry : kRewards) infos.push_back(entry.info);
    return infos;
  }();
  return list;
}

std::vector<RewardFunction> make_rewards(std::span<const std::string> reward_funcs,
                                         std::span<const double> reward_weights,
                                         const RewardOptions& options) {
  if (!reward_weights.empty() && reward_weights.size() != reward_funcs.size())
    fail("reward_weights: expected one for each of the {} reward_funcs, found {}", reward_funcs.size(),
         reward_weights.size());
  std::vector<std::string> known;
  for (const Entry& entry : kRewards) known.emplace_back(entry.info.name);
  std::vector<RewardFunction> out;
  for (size_t i = 0; i < reward_funcs.size(); ++i) {
    const std::string& name = reward_funcs[i];
    for (const RewardFunction& earlier : out)
      if (earlier.name == name) fail("reward_funcs: \"{}\" stands there twice", name);
    RewardFunction function{name, reward_weights.empty() ? 1.0 : reward_weights[i], {}, {}, {}};
    if (!std::isfinite(function.weight))
      fail("reward_weights: expected finite numbers, found {}", function.weight);
    for (const Entry& entry : kRewards) {
      if (entry.info.name != name) continue;
      function.call = entry.call;
      if (entry.extract) function.extract = entry.extract;
    }
    if (name == kSoftOverlongPunishment) {
      if (options.soft_punish_cache < 1 || options.soft_punish_cache > options.max_completion_length)
        fail("{} needs soft_punish_cache of 1 to max_completion_length ({}), found {}", name,
             options.max_completion_length, options.soft_punish_cache);
      function.call = [options](const RewardInput& input) {
        return RewardResult{soft_overlong_punishment(input.completion_tokens, options), true, {}};
      };
    }
    if (!function.call && !name.starts_with(kModelReward)) {
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
