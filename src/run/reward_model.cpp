#include "run/reward_model.h"

#include <limits>

#include "base/check.h"
#include "base/json.h"
#include "base/math.h"
#include "rl/steps.h"
#include "run/dataset.h"
#include "run/problem.h"

namespace cohort {
namespace {

bool same_vocabulary(const Tokenizer& a, const Tokenizer& b) {
  if (a.size() != b.size()) return false;
  for (int32_t id = 0; id < a.size(); ++id)
    if (a.is_special(id) != b.is_special(id) || a.token_bytes(id) != b.token_bytes(id)) return false;
  return true;
}

}  // namespace

// One completion to judge, its values, or why there are none.
struct RewardModel::Judged {
  std::vector<int32_t> prompt_ids;
  JudgedCompletion completion;
  std::string fault;
  std::vector<float> values;
};

RewardModel::RewardModel(const std::filesystem::path& folder, const JudgedPolicy& policy,
                         int64_t micro_batch_tokens, int64_t steps)
    : folder_(folder), policy_(policy), micro_batch_tokens_(micro_batch_tokens) {
  RewardFolder model = RewardFolder::load(folder, steps);
  critic_ = std::move(model.critic);
  tokenizer_ = std::move(model.tokenizer);
  kind_ = std::move(model.kind);
  reads_text_ = !same_vocabulary(tokenizer_, policy.tokenizer);
  if (!reads_text_ && policy.vocab_size > critic_->config().vocab_size)
    fail(
        "{}: the policy's vocabulary has {} tokens, the reward model's only {}: its embedding must be as "
        "long",
        folder.string(), policy.vocab_size, critic_->config().vocab_size);
}

void RewardModel::go_on_from(const std::filesystem::path& folder, int64_t steps) {
  critic_ = Critic::load(folder, true, steps);
}

Critic& RewardModel::critic() {
  if (!critic_) critic_ = Critic::load(folder_, false, 0);
  return *critic_;
}

void RewardModel::save(const std::filesystem::path& folder, bool with_optimizer) {
  save_reward_folder(folder, critic(), tokenizer_, kind_, with_optimizer);
}

std::vector<int32_t> RewardModel::prompt_ids(std::string text, std::span<const int32_t> ids) const {
  if (!reads_text_) return {ids.begin(), ids.end()};
  if (text.empty()) text = policy_.tokenizer.decode(ids, true);
  Row row;
  row.prompt = std::move(text);
  return make_problem(std::move(row), false, tokenizer_).prompt_ids;
}

std::vector<int32_t> RewardModel::completion_ids(std::string_view text, std::span<const int32_t> ids) const {
  if (!reads_text_) return {ids.begin(), ids.end()};
  std::vector<int32_t> own = tokenizer_.encode(text, false);
  const bool ended =
      !ids.empty() && ids.back() < policy_.tokenizer.size() && policy_.tokenizer.is_special(ids.back());
  if (ended && tokenizer_.eos_token_id() >= 0) own.push_back(tokenizer_.eos_token_id());
  return own;
}

void RewardModel::fill_values(std::span<Judged> all) {
  const int64_t context = critic().config().context();
  std::vector<RewardExample> examples;
  std::vector<std::vector<Judged*>> judged;  // of each example
  for (Judged& j : all) {
    const auto tokens = static_cast<int64_t>(j.prompt_ids.size() + j.completion.ids.size());
    if (j.fault.empty() && tokens > context)
      j.fault = fmt::format("{} tokens exceed the reward model's context of {}", tokens, context);
    if (j.fault.empty() && tokens == 0) j.fault = "the reward model finds no tokens in the text";
    if (!j.fault.empty()) continue;
    if (examples.empty() || examples.back().prompt_ids != j.prompt_ids) {
      examples.emplace_back().prompt_ids = j.prompt_ids;
      judged.emplace_back();
    }
    examples.back().completions.push_back(std::move(j.completion));
    judged.back().push_back(&j);
  }
  const std::vector<std::vector<float>> values = reward_values(critic(), examples, micro_batch_tokens_);
  for (size_t e = 0; e < examples.size(); ++e) {
    auto next = values[e].begin();
    for (size_t c = 0; c < judged[e].size(); ++c) {
      const auto end = next + static_cast<int64_t>(examples[e].completions[c].ends.size());
      judged[e][c]->values.assign(next, end);
      next = end;
    }
  }
}

std::vector<RewardResult> RewardModel::score(std::span<const RewardInput> inputs) {
  std::vector<Judged> all(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    try {
      all[i].prompt_ids = prompt_ids(std::string(inputs[i].prompt), inputs[i].prompt_ids);
      all[i].completion.ids = completion_ids(inputs[i].completion, inputs[i].completion_ids);
      all[i].completion.ends = {static_cast<int32_t>(all[i].completion.ids.size())};
    } catch (const Error& error) {
      all[i].fault = error.what();
    }
  }
  fill_values(all);
  std::vector<RewardResult> results;
  for (Judged& j : all)
    results.push_back(j.fault.empty() ? RewardResult{j.values[0], true, {}}
                                      : RewardResult{0, false, std::move(j.fault)});
  return results;
}

void RewardModel::expect_steps(std::string_view step_separator) const {
  if (!kind_.loss.empty() && (kind_.loss != "stepwise" || kind_.step_separator != step_separator))
    fail("{}: expected a model trained on steps that end with step_separator {}, found one of loss {}{}",
         folder_.string(), json_text(step_separator), kind_.loss,
         kind_.loss == "stepwise" ? " and " + json_text(kind_.step_separator) : "");
}

void RewardModel::expect_outcomes() const {
  if (kind_.loss == "stepwise")
    fail(
        "{}: it judges steps, and a reward function judges whole completions: give it as "
        "process_reward_model with "
        "supervision process, or take a model of loss pairwise or pointwise",
        folder_.string());
}

void RewardModel::score_steps(std::span<Group> groups, std::string_view step_separator) {
  expect_steps(step_separator);
  std::vector<Judged> all;
  for (Group& group : groups)
    for (Sample& s : group.samples) {
      Judged& j = all.emplace_back();
      s.steps.clear();
      for (int32_t end : step_ends(policy_.tokenizer, s, step_separator)) s.steps.push_back({end, 0});
      try {
        j.prompt_ids = prompt_ids(s.prompt, s.prompt_ids);
        Sample own;
        own.completion_ids = completion_ids(s.completion, s.completion_ids);
        if (!reads_text_) own.spans = s.spans;
        j.completion.ends = step_ends(tokenizer_, own, step_separator);
        j.completion.ids = std::move(own.completion_ids);
        if (j.completion.ends.size() != s.steps.size())
          j.fault = fmt::format("{} steps in the completion's tokens, {} in its text", s.steps.size(),
                                j.completion.ends.size());
      } catch (const Error& error) {
        j.fault = error.what();
      }
    }
  fill_values(all);
  size_t next = 0;
  for (Group& group : groups)
    for (Sample& s : group.samples) {
      const Judged& j = all[next++];
      for (size_t i = 0; i < s.steps.size(); ++i)
        s.steps[i].reward = j.fault.empty() ? sigmoid(j.values[i]) : std::numeric_limits<double>::quiet_NaN();
    }
}

RewardModels::RewardModels(std::span<RewardFunction> rewards, const JudgedPolicy& policy,
                           int64_t micro_batch_tokens) {
  for (RewardFunction& function : rewards) {
    if (!function.name.starts_with(kModelReward)) continue;
    const auto model =
        std::make_shared<RewardModel>(function.name.substr(kModelReward.size()), policy, micro_batch_tokens);
    model->expect_outcomes();
    models_.push_back(model);
    function.call_all = [model](std::span<const RewardInput> inputs) { return model->score(inputs); };
  }
}

void RewardModels::offload() {
  for (const auto& model : models_) model->offload();
}

}  // namespace cohort
