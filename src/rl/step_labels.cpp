#include "rl/step_labels.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/check.h"
#include "base/json.h"
#include "base/options.h"
#include "rl/steps.h"

namespace cohort {

LabelPlan plan_labels(const Group& group, const Tokenizer& tokenizer, const LabelOptions& options) {
  LabelPlan plan;
  std::set<std::vector<int32_t>> solutions;
  std::map<std::vector<int32_t>, int32_t> prefixes;
  for (const Sample& s : group.samples) {
    COHORT_CHECK(!s.rewards.empty(), "prompt {} sample {} has no rewards", s.prompt_index, s.sample_index);
    if (!solutions.insert(s.completion_ids).second) {
      ++plan.duplicates;
      continue;
    }
    const std::vector<std::string> texts = step_texts(tokenizer, s, options.step_separator);
    if (texts.empty() || (texts.size() == 1 && texts[0].empty())) {
      ++plan.empty;
      continue;
    }
    if (std::isnan(s.reward)) {
      ++plan.unjudged;
      continue;
    }
    LabelPlan::Solution& solution = plan.solutions.emplace_back();
    solution.sample = &s;
    solution.ends = step_ends(tokenizer, s, options.step_separator);
    const auto prompt = static_cast<int32_t>(s.prompt_ids.size());
    GenerationRequest request{{}, s.prompt_index, options.num_rollouts, {}, prompt};
    for (size_t j = 0; j + 1 < solution.ends.size(); ++j) {
      const int32_t end = solution.ends[j];
      if (end ==
          std::ssize(
              s.completion_ids)) {  // the separator stands in the last token: nothing is left to roll out
        solution.prefixes.push_back(-1);
        continue;
      }
      const auto [prefix, fresh] =
          prefixes.try_emplace(std::vector<int32_t>(s.completion_ids.begin(), s.completion_ids.begin() + end),
                               static_cast<int32_t>(prefixes.size()));
      solution.prefixes.push_back(prefix->second);
      if (!fresh) continue;
      const uint64_t index =
          (uint64_t{s.sample_index} * static_cast<uint64_t>(options.max_completion_length) +
           static_cast<uint64_t>(end)) *
          static_cast<uint64_t>(options.num_rollouts);
      if (index + static_cast<uint64_t>(options.num_rollouts) > std::numeric_limits<uint32_t>::max())
        fail("{} solutions x {} tokens x {} roll-outs are more than 32-bit indices tell apart",
             s.sample_index + 1, options.max_completion_length, options.num_rollouts);
      request.forks.push_back({prompt + end, static_cast<uint32_t>(index)});
    }
    if (request.forks.empty()) continue;
    request.prompt_ids = s.prompt_ids;
    request.prompt_ids.insert(request.prompt_ids.end(), s.completion_ids.begin(),
                              s.completion_ids.begin() + (request.forks.back().at - prompt));
    plan.requests.push_back(std::move(request));
  }
  return plan;
}

double step_label(const Outcomes& o, bool hard) {
  if (o.judged == 0) return std::numeric_limits<double>::quiet_NaN();
  return hard ? (o.right > 0 ? 1.0 : 0.0) : static_cast<double>(o.right) / o.judged;
}

std::vector<double> step_labels(const LabelPlan::Solution& solution, std::span<const Outcomes> outcomes,
                                bool right, bool hard) {
  const double own = right ? 1.0 : 0.0;
  std::vector<double> labels;
  for (int32_t prefix : solution.prefixes)
    labels.push_back(prefix < 0 ? own : step_label(outcomes[prefix], hard));
  labels.push_back(own);
  return labels;
}

std::string label_row(const LabelPlan::Solution& solution, const Tokenizer& tokenizer,
                      std::string_view step_separator, std::span<const double> labels, bool hard) {
  const Sample& s = *solution.sample;
  std::vector<std::string> texts, values;
  for (const std::string& text : step_texts(tokenizer, s, step_separator)) texts.push_back(json_text(text));
  for (double label : labels) values.push_back(hard ? (label > 0 ? "true" : "false") : format_double(label));
  return fmt::format(
      "{{\"prompt\":{},\"completions\":[{}],\"labels\":[{}],\"prompt_ids\":[{}],\"completion_ids\":[{}],"
      "\"step_ends\":[{}],\"prompt_index\":{},\"sample_index\":{}}}",
      json_text(s.prompt), fmt::join(texts, ","), fmt::join(values, ","), fmt::join(s.prompt_ids, ","),
      fmt::join(s.completion_ids, ","), fmt::join(solution.ends, ","), s.prompt_index, s.sample_index);
}

}  // namespace cohort
