#include "rl/source.h"

#include "base/utf8.h"
#include "rl/tool_use.h"

#include <nlohmann/json.hpp>

namespace cohort {

std::vector<Drawn> draw_problems(const Problems& problems, RowOrder& order, int64_t first, int64_t count) {
  std::vector<Drawn> drawn;
  for (const int64_t row : order.draw(first, count))
    drawn.push_back({problems[row], static_cast<uint32_t>(first + std::ssize(drawn)), row});
  return drawn;
}

std::vector<Drawn> draw_problems(const Problems& problems, int64_t first, int64_t count) {
  RowOrder order(problems.size(), false, 0);
  return draw_problems(problems, order, first, count);
}

std::vector<Group> file_groups(std::span<const Drawn> drawn) {
  std::vector<Group> groups;
  for (const Drawn& d : drawn) {
    Sample s;
    s.prompt_index = d.prompt_index;
    s.prompt_ids = d.problem->prompt_ids;
    s.completion_ids = d.problem->completion_ids;
    s.spans = d.problem->spans;
    s.prompt = d.problem->row.prompt;
    s.completion = d.problem->row.completion;
    s.finish_reason = "stop";
    Group& group = groups.emplace_back();
    group.samples.push_back(s);
    if (d.problem->rejected_ids.empty()) continue;
    s.sample_index = 1;
    s.completion_ids = d.problem->rejected_ids;
    s.completion = d.problem->rejected;
    group.samples.push_back(std::move(s));
  }
  return groups;
}

std::string completion_text(const Tokenizer& tokenizer, std::vector<int32_t> ids) {
  std::erase_if(ids, [&](int32_t id) { return id >= tokenizer.size(); });
  return replace_invalid_utf8(tokenizer.decode(ids, true));
}

std::vector<Group> policy_groups(const Model& model, const Tokenizer& tokenizer, std::span<const Drawn> drawn,
                                 int32_t num_generations, const GenerationOptions& options,
                                 const std::function<void(int64_t, int64_t)>& progress,
                                 KeptActivations* keep, std::span<const RewardFunction> rewards) {
  if (options.tools) return tool_groups(model, tokenizer, drawn, num_generations, options, progress, rewards);
  std::vector<GenerationRequest> requests;
  for (const Drawn& d : drawn) requests.push_back({d.problem->prompt_ids, d.prompt_index, num_generations});
  std::vector<std::vector<Completion>> completions =
      generate(model, tokenizer, requests, options, progress, keep,
               [&](size_t request, size_t, const Completion& c) {
                 if (!rewards.empty())
                   begin_rewards(rewards, *drawn[request].problem, completion_text(tokenizer, c.ids), std::ssize(c.ids));
               });
  std::vector<Group> groups;
  for (size_t p = 0; p < drawn.size(); ++p) {
    Group& group = groups.emplace_back();
    for (size_t g = 0; g < completions[p].size(); ++g) {
      Completion& c = completions[p][g];
      Sample s;
      s.prompt_index = drawn[p].prompt_index;
      s.sample_index = static_cast<uint32_t>(g);
      s.prompt_ids = drawn[p].problem->prompt_ids;
      s.prompt = drawn[p].problem->row.prompt;
      s.completion = completion_text(tokenizer, c.ids);
      s.completion_ids = std::move(c.ids);
      s.log_probs = std::move(c.log_probs);
      s.entropies = std::move(c.entropies);
      s.finish_reason = c.stopped ? "stop" : "length";
      group.samples.push_back(std::move(s));
    }
  }
  return groups;
}

void begin_rewards(std::span<const RewardFunction> rewards, const Problem& problem, const std::string& completion,
                   int64_t completion_tokens) {
  begin_rewards(rewards, {*problem.row.fields, problem.row.prompt, completion, completion_tokens});
}

RewardFaults score_groups(std::span<const Drawn> drawn, std::span<const RewardFunction> rewards,
                          std::span<Group> groups) {
  std::vector<RewardInput> inputs;
  for (size_t p = 0; p < groups.size(); ++p)
    for (const Sample& s : groups[p].samples)
      inputs.push_back({*drawn[p].problem->row.fields, s.prompt, s.completion, s.sampled_tokens(),
                        s.prompt_ids, s.completion_ids});
  std::vector<Score> scores = score(rewards, inputs);
  RewardFaults faults;
  auto next = scores.begin();
  for (size_t p = 0; p < groups.size(); ++p)
    for (Sample& s : groups[p].samples) {
      Score& result = *next++;
      s.rewards = std::move(result.rewards);
      s.reward = result.reward;
      for (const std::string& reason : result.reasons)
        faults.add(sample_name(s.prompt_index, s.sample_index, *drawn[p].problem->row.fields), reason);
    }
  return faults;
}

}  // namespace cohort
