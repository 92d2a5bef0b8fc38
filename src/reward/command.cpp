#include "reward/command.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "reward/dialogue.h"
#include "reward/rules.h"

namespace cohort {
namespace {

std::string question(size_t id, const RewardInput& input) {
  const nlohmann::json json{{"id", id},
                            {"prompt", input.prompt},
                            {"completion", input.completion},
                            {"completion_tokens", input.completion_tokens == kUnknownLength
                                                      ? nlohmann::json()
                                                      : nlohmann::json(input.completion_tokens)},
                            {"row", input.fields}};
  return dump_json(json);
}

RewardResult result_of(const nlohmann::json& answer) {
  const auto reward = answer.find("reward");
  if (reward == answer.end()) fail("expected {{\"id\": ..., \"reward\": ...}}, found {:.200}", dump_json(answer));
  if (reward->is_number()) return computed(reward->get<double>());
  if (!reward->is_null()) fail("expected a number or null as reward, found {:.200}", dump_json(*reward));
  const auto reason = answer.find("reason");
  return not_computed(reason != answer.end() && reason->is_string() ? reason->get<std::string>()
                                                                    : "the command answered null");
}

}  // namespace

std::function<std::vector<RewardResult>(std::span<const RewardInput>)> command_reward(const std::string& line,
                                                                                      double timeout) {
  if (line.find_first_not_of(' ') == std::string::npos)
    fail("reward_funcs: expected a command line after \"command:\", found nothing");
  const auto dialogue = std::make_shared<Dialogue>(
      Dialogue::Options{{"/bin/sh", "-c", line}, "the command", "", timeout});
  return [dialogue](std::span<const RewardInput> inputs) {
    std::vector<RewardResult> results(inputs.size());
    dialogue->run(
        inputs.size(), [&](size_t i) { return question(i, inputs[i]); },
        [&](size_t i, const nlohmann::json& answer) { results[i] = result_of(answer); },
        [&](size_t i, const std::string& why) { results[i] = not_computed(why); });
    return results;
  };
}

}  // namespace cohort
