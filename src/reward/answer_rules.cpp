// Rewards for the answer itself, as an exact decimal or the same text.
#include <optional>

#include "base/check.h"
#include "reward/format.h"
#include "reward/number.h"
#include "reward/rules.h"

namespace cohort {
namespace {

RewardResult last_number_reward(const RewardInput& input) {
  std::string reason;
  const std::optional<std::string> text = gold_text(input.fields, reason);
  if (!text) return not_computed(reason);
  const std::optional<Decimal> gold = parse_number(*text);
  if (!gold) return not_computed(fmt::format("\"answer\" is no number: \"{:.60}\"", *text));
  return computed(last_number(input.completion) == gold);
}

RewardResult answer_tag_reward(const RewardInput& input) {
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

std::string extract_last_number(std::string_view completion) { return last_number(completion).value_or(""); }

std::string extract_answer_tag(std::string_view completion) {
  const std::string_view given = answer_tag(completion).value_or("");
  return parse_number(given).value_or(std::string(given));
}

}  // namespace

const RewardRule kAnswerTagRule = {
    "answer_tag",
    "1 where <answer> ... </answer> holds the row's answer (numbers as exact decimals, else the same text)",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = answer_tag_reward;
      f.extract = extract_answer_tag;
    }};

const RewardRule kLastNumberRule = {
    "last_number", "1 where the completion's last number equals the row's answer as an exact decimal",
    [](const RewardSettings&, int64_t, RewardFunction& f) {
      f.call = last_number_reward;
      f.extract = extract_last_number;
    }};

}  // namespace cohort
