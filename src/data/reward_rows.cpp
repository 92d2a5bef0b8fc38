#include "data/reward_rows.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace cohort {
namespace {

using nlohmann::json;

double as_label(const json& value) {
  return value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
}

void check_label(const json& value, const std::string& place) {
  const bool good = value.is_boolean() || (value.is_number() && as_label(value) >= 0 && as_label(value) <= 1);
  if (!good) fail("{} is {:.40}, expected a number from 0 to 1, or true or false", place, dump_json(value));
}

const json& list_of(const Row& row, const char* field, const std::string& place) {
  const json& value = row.fields->at(field);
  if (!value.is_array() || value.empty())
    fail("{}: \"{}\" is {}, expected a list", place, field, value.is_array() ? "empty" : value.type_name());
  return value;
}

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

void check_labelled(const Row& row, const std::string& place) {
  check_label(row.fields->at("label"), place + ": \"label\"");
}

void check_stepwise(const Row& row, const std::string& place) {
  const json &steps = list_of(row, "completions", place), &labels = list_of(row, "labels", place);
  if (steps.size() != labels.size())
    fail("{}: {} steps in \"completions\" and {} in \"labels\", expected as many", place, steps.size(), labels.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].is_string())
      fail("{}: \"completions\"[{}] is {}, expected a string", place, i, steps[i].type_name());
    if (blank(steps[i].get<std::string>()))
      fail("{}: \"completions\"[{}] is empty, expected the text of a step", place, i);
    check_label(labels[i], fmt::format("{}: \"labels\"[{}]", place, i));
  }
}

}  // namespace

RowRules labelled_rules() {
  static constexpr std::string_view required[] = {"prompt", "completion", "label"};
  return {.required = required, .check = check_labelled};
}

double label_of(const Row& row) { return as_label(row.fields->at("label")); }

RowRules stepwise_rules() {
  static constexpr std::string_view required[] = {"prompt", "completions", "labels"};
  return {.required = required, .check = check_stepwise};
}

LabelledSteps labelled_steps(const Row& row) {
  LabelledSteps result;
  for (const json& step : row.fields->at("completions")) result.steps.push_back(step.get<std::string>());
  for (const json& label : row.fields->at("labels")) result.labels.push_back(as_label(label));
  return result;
}

double margin_of(const Row& row, const std::string& name) {
  const auto found = row.fields->find("margin");
  if (found == row.fields->end() || found->is_null()) return 0;
  if (!found->is_number())
    fail("{}:{}: \"margin\" is {:.40}, expected a number", name, row.line, found->dump());
  return found->get<double>();
}

}  // namespace cohort
