#include "reward/command.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/child.h"
#include "base/json.h"
#include "reward/rules.h"

namespace cohort {
namespace {

constexpr int kMostDeaths = 3;                      // in a row without an answer between them
constexpr size_t kLongestAnswer = size_t{1} << 20;  // bytes

std::string request(size_t id, const RewardInput& input) {
  const nlohmann::json json{{"id", id},
                            {"prompt", input.prompt},
                            {"completion", input.completion},
                            {"completion_tokens", input.completion_tokens},
                            {"row", input.fields}};
  return dump_json(json) + "\n";
}

// What one line of the program says; throws Error where it is no answer to an open question.
size_t take_answer(const std::string& line, std::vector<RewardResult>& results,
                   const std::vector<char>& open) {
  const auto json = try_parse_json(line);
  if (!json.is_object() || !json.contains("id") || !json["id"].is_number_unsigned() ||
      !json.contains("reward"))
    fail("expected {{\"id\": ..., \"reward\": ...}}, found {:.200}", line);
  const size_t id = json["id"].get<size_t>();
  if (id >= open.size() || !open[id]) fail("answered id {}, which is no open question", id);
  const auto& reward = json["reward"];
  if (reward.is_number()) {
    results[id] = computed(reward.get<double>());
  } else if (reward.is_null()) {
    const auto reason = json.find("reason");
    results[id] = not_computed(reason != json.end() && reason->is_string() ? reason->get<std::string>()
                                                                           : "the command answered null");
  } else {
    fail("expected a number or null as reward, found {:.200}", dump_json(reward));
  }
  return id;
}

class RewardCommand {
 public:
  RewardCommand(std::string line, double timeout) : line_(std::move(line)), timeout_(timeout) {}

  std::vector<RewardResult> ask(std::span<const RewardInput> inputs) {
    std::vector<RewardResult> results(inputs.size());
    std::vector<char> open(inputs.size(), 1);
    size_t first = 0;
    int deaths = 0;
    for (;;) {
      while (first < open.size() && !open[first]) ++first;
      if (first == open.size()) return results;
      const size_t before = static_cast<size_t>(std::ranges::count(open, 1));
      const std::string fault = converse(inputs, results, open);
      if (fault.empty()) return results;
      child_.reset();
      deaths = static_cast<size_t>(std::ranges::count(open, 1)) < before ? 1 : deaths + 1;
      while (first < open.size() && !open[first]) ++first;
      if (first == open.size()) return results;
      results[first] = not_computed(fault);
      open[first] = 0;
      if (deaths < kMostDeaths) continue;
      for (size_t i = first; i < open.size(); ++i)
        if (open[i]) results[i] = not_computed(fault + " (and given up, after it failed again and again)");
      return results;
    }
  }

 private:
  // Asks all open questions and takes their answers; why it broke off, or nothing.
  std::string converse(std::span<const RewardInput> inputs, std::vector<RewardResult>& results,
                       std::vector<char>& open) {
    if (!child_) child_ = std::make_unique<Child>(std::vector<std::string>{"/bin/sh", "-c", line_});
    std::string questions;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (open[i]) questions += request(i, inputs[i]);
    child_->send(std::move(questions));
    for (size_t left = static_cast<size_t>(std::ranges::count(open, 1)); left > 0; --left) {
      std::string line;
      switch (child_->read_line(timeout_, kLongestAnswer, line)) {
        case Child::Read::line:
          break;
        case Child::Read::silent:
          return fmt::format("the command gave no answer for {} seconds", timeout_);
        case Child::Read::ended:
          return fmt::format("the command {}", child_->wait());
        case Child::Read::too_long:
          return fmt::format("the command wrote a line of more than {} bytes", kLongestAnswer);
      }
      try {
        open[take_answer(line, results, open)] = 0;
      } catch (const Error& error) {
        return fmt::format("the command {}", error.what());
      }
    }
    return {};
  }

  std::string line_;
  double timeout_;
  std::unique_ptr<Child> child_;
};

}  // namespace

std::function<std::vector<RewardResult>(std::span<const RewardInput>)> command_reward(const std::string& line,
                                                                                      double timeout) {
  if (line.find_first_not_of(' ') == std::string::npos)
    fail("reward_funcs: expected a command line after \"command:\", found nothing");
  const auto command = std::make_shared<RewardCommand>(line, timeout);
  return [command](std::span<const RewardInput> inputs) { return command->ask(inputs); };
}

}  // namespace cohort
