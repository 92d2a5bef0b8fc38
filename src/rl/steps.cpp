#include "rl/steps.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "reward/format.h"

namespace cohort {
namespace {

struct Step {
  int32_t end;
  std::string text;   // trimmed
  std::string whole;  // as it stands, between the separators that ended the step before and this one
};

std::vector<Step> find_steps(const Tokenizer& tokenizer, const Sample& sample, std::string_view separator) {
  if (separator.empty()) fail("step_separator: expected a text that ends a step, found an empty one");
  std::string text;
  std::vector<size_t> token_ends;  // of each token in the text
  for (size_t t = 0; t < sample.completion_ids.size(); ++t) {
    const int32_t id = sample.completion_ids[t];
    const bool known = id >= 0 && id < tokenizer.size();  // a padded vocabulary has ids without text
    if (known && sample.is_sampled(t) &&
        (!tokenizer.is_special(id) || tokenizer.token_bytes(id) == separator))
      text += tokenizer.token_bytes(id);
    token_ends.push_back(text.size());
  }
  std::vector<Step> steps;
  if (token_ends.empty()) return steps;
  size_t begin = 0, whole = 0, t = 0;
  for (size_t at; (at = text.find(separator, begin)) != std::string::npos;) {
    const std::string_view step = trim(std::string_view(text).substr(begin, at - begin));
    begin = at + separator.size();
    if (step.empty()) continue;
    while (token_ends[t] < begin) ++t;
    steps.push_back({static_cast<int32_t>(t + 1), std::string(step), text.substr(whole, at - whole)});
    whole = begin;
  }
  const std::string_view rest = trim(std::string_view(text).substr(begin));
  if (!rest.empty() || steps.empty())
    steps.push_back({0, std::string(rest), text.substr(whole)});
  else
    steps.back().whole += std::string(separator) + text.substr(whole);
  steps.back().end = static_cast<int32_t>(token_ends.size());
  return steps;
}

}  // namespace

std::vector<std::string> gold_steps(const Row& row, std::string_view data) {
  const std::string place = row.line > 0 ? fmt::format("{}:{}", data, row.line) : std::string(data);
  const nlohmann::json* fields = row.fields.get();
  if (!fields || !fields->contains("steps"))
    fail("{}: no field \"steps\", expected a list of strings (rewards of steps compare with it)", place);
  const nlohmann::json& field = (*fields)["steps"];
  if (!field.is_array() || field.empty())
    fail("{}: \"steps\" is {}, expected a list of strings", place,
         field.is_array() ? "empty" : field.type_name());
  std::vector<std::string> steps;
  for (const nlohmann::json& step : field) {
    if (!step.is_string())
      fail("{}: \"steps\"[{}] is {}, expected a string", place, steps.size(), step.type_name());
    steps.push_back(step.get<std::string>());
  }
  return steps;
}

std::vector<int32_t> step_ends(const Tokenizer& tokenizer, const Sample& sample,
                               std::string_view step_separator) {
  std::vector<int32_t> ends;
  for (const Step& step : find_steps(tokenizer, sample, step_separator)) ends.push_back(step.end);
  return ends;
}

std::vector<std::string> step_texts(const Tokenizer& tokenizer, const Sample& sample,
                                    std::string_view step_separator) {
  std::vector<std::string> texts;
  for (Step& step : find_steps(tokenizer, sample, step_separator)) texts.push_back(std::move(step.whole));
  return texts;
}

void score_steps(const Tokenizer& tokenizer, const std::vector<std::string>& gold_steps,
                 std::string_view step_separator, Sample& sample) {
  sample.steps.clear();
  for (const Step& step : find_steps(tokenizer, sample, step_separator)) {
    const size_t j = sample.steps.size();
    const bool right = j < gold_steps.size() && step.text == trim(gold_steps[j]);
    sample.steps.push_back({step.end, right ? 1.0 : 0.0});
  }
}

}  // namespace cohort
