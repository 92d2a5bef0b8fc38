#include "run/label_steps.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace cohort {
namespace {

// The outcomes of a plan's prefixes, from the continuations of its requests.
std::vector<Outcomes> judge(const LabelPlan& plan, std::span<const std::vector<Completion>> continuations,
                            const Drawn& drawn, const Tokenizer& tokenizer,
                            std::span<const RewardFunction> rewards, double threshold, LabelCounts& counts,
                            RewardFaults& faults) {
  const Problem& problem = *drawn.problem;
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::string> texts;
  std::vector<size_t> prefixes;  // which prefix each goes on from
  size_t prefix_count = 0;
  for (size_t r = 0; r < plan.requests.size(); ++r) {
    const GenerationRequest& request = plan.requests[r];
    for (int32_t i = 0; i < request.samples(); ++i) {
      if (i % request.num_generations == 0) ++prefix_count;
      const std::vector<int32_t>& more = continuations[r][i].ids;
      ids.emplace_back(request.prompt_ids.begin() + request.prompt_length,
                       request.prompt_ids.begin() + request.begin(i));
      ids.back().insert(ids.back().end(), more.begin(), more.end());
      texts.push_back(completion_text(tokenizer, ids.back()));
      prefixes.push_back(prefix_count - 1);
      counts.sampled_tokens += std::ssize(more);
      ++counts.rollouts;
    }
  }
  std::vector<RewardInput> inputs;
  for (size_t i = 0; i < ids.size(); ++i)
    inputs.push_back(
        {*problem.row.fields, problem.row.prompt, texts[i], std::ssize(ids[i]), problem.prompt_ids, ids[i]});
  const std::vector<Score> scores = score(rewards, inputs);
  std::vector<Outcomes> outcomes(prefix_count);
  for (size_t i = 0; i < scores.size(); ++i) {
    for (const std::string& reason : scores[i].reasons)
      faults.add(sample_name(drawn.prompt_index, static_cast<uint32_t>(i), *problem.row.fields), reason);
    if (std::isnan(scores[i].reward)) continue;
    ++outcomes[prefixes[i]].judged;
    outcomes[prefixes[i]].right += scores[i].reward >= threshold;
  }
  return outcomes;
}

void count_plan(const LabelPlan& plan, LabelCounts& counts) {
  counts.duplicates += plan.duplicates;
  counts.empty += plan.empty;
  counts.unjudged += plan.unjudged;
  for (const GenerationRequest& r : plan.requests) {
    counts.prefixes += std::ssize(r.forks);
    counts.prefix_tokens += std::ssize(r.prompt_ids);
  }
  for (const LabelPlan::Solution& s : plan.solutions)
    for (size_t j = 0; j < s.prefixes.size(); ++j)
      if (s.prefixes[j] >= 0) {
        ++counts.boundaries;
        counts.separate_tokens += std::ssize(s.sample->prompt_ids) + s.ends[j];
      }
}

void count_labels(std::span<const double> labels, LabelCounts& counts) {
  ++counts.solutions;
  if (counts.steps.size() < labels.size()) counts.steps.resize(labels.size());
  const auto add = [](LabelCounts::Position& p, double label) {
    ++p.labels;
    p.right += label;
  };
  for (size_t j = 0; j < labels.size(); ++j) add(counts.steps[j], labels[j]);
  add(counts.last, labels.back());
}

}  // namespace

std::string label_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                         std::span<const Group> groups, std::span<const RewardFunction> rewards,
                         const Labelling& labelling, GenerationOptions generation,
                         const std::function<void(int64_t, int64_t)>& progress, LabelCounts& counts,
                         RewardFaults& faults) {
  std::vector<LabelPlan> plans;
  std::vector<GenerationRequest> requests;
  for (const Group& group : groups) {
    const LabelPlan& plan = plans.emplace_back(plan_labels(group, tokenizer, labelling.steps));
    count_plan(plan, counts);
    requests.insert(requests.end(), plan.requests.begin(), plan.requests.end());
  }
  generation.step = 1;
  const std::vector<std::vector<Completion>> all = generate(model, tokenizer, requests, generation, progress);
  std::string rows;
  std::span<const std::vector<Completion>> rest = all;
  for (size_t p = 0; p < plans.size(); ++p) {
    const LabelPlan& plan = plans[p];
    const std::vector<Outcomes> outcomes = judge(plan, rest.first(plan.requests.size()), drawn[p], tokenizer,
                                                 rewards, labelling.reward_threshold, counts, faults);
    rest = rest.subspan(plan.requests.size());
    for (const LabelPlan::Solution& s : plan.solutions) {
      const std::vector<double> labels =
          step_labels(s, outcomes, s.sample->reward >= labelling.reward_threshold, labelling.hard);
      if (std::ranges::any_of(labels, [](double label) { return std::isnan(label); })) {
        ++counts.unjudged;
        continue;
      }
      count_labels(labels, counts);
      rows += label_row(s, tokenizer, labelling.steps.step_separator, labels, labelling.hard) + "\n";
    }
  }
  return rows;
}

RowSolutions solutions_of_rows(const Problems& rows) {
  RowSolutions out;
  std::vector<Problem> problems;
  std::map<std::string, size_t> seen;
  for (int64_t i = 0; i < rows.size(); ++i) {
    const std::shared_ptr<const Problem> one = rows[i];
    const Problem& row = *one;
    if (!row.spans.empty())
      fail("row {}: expected a prompt and a completion, found a conversation of several turns", row.row.line);
    nlohmann::json fields = *row.row.fields;
    fields.erase("completion");
    fields.erase("completion_ids");
    const auto [at, fresh] = seen.try_emplace(dump_json(fields), problems.size());
    if (fresh) out.solutions.emplace_back();
    Group& group = out.solutions[at->second];
    const Drawn drawn[] = {{one, static_cast<uint32_t>(at->second)}};
    Sample s = std::move(file_groups(drawn)[0].samples[0]);
    s.sample_index = static_cast<uint32_t>(group.samples.size());
    group.samples.push_back(std::move(s));
    if (fresh) problems.push_back(row);
  }
  out.problems = std::move(problems);
  return out;
}

}  // namespace cohort
