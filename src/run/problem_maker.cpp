#include "run/problem_maker.h"

#include <algorithm>

#include "base/check.h"
#include "data/pairs.h"
#include "data/row_file.h"
#include "data/tasks.h"
#include "rl/methods.h"
#include "run/offline.h"

namespace cohort {
namespace {

// A recipe that says what stands around a prompt takes conversations apart; else a chat template renders
// them.
Conversations conversations_of(const Recipe& recipe, RowKind kind) {
  if (recipe.prompt_prefix.empty() && recipe.prompt_suffix.empty()) return Conversations::chat;
  return kind == RowKind::completions ? Conversations::turns : Conversations::refused;
}

RowRules rules_of(const Recipe& recipe, RowKind kind) {
  if (kind == RowKind::pairs) return pair_rules(recipe.columns);
  static constexpr std::string_view fields[] = {"prompt", "completion"};
  return {RequiredFields(fields).first(kind == RowKind::prompts ? 1 : 2), conversations_of(recipe, kind), recipe.columns};
}

bool is_task(const std::string& data) {
  return std::ranges::any_of(task_list(), [&](const TaskInfo& task) { return task.name == data; });
}

}  // namespace

RowKind row_kind(const Recipe& recipe) {
  switch (find_method(recipe.method).source) {
    case Source::pairs:
      return RowKind::pairs;
    case Source::file:
      return RowKind::completions;
    default:
      return recipe.offline_rollouts ? RowKind::samples : RowKind::prompts;
  }
}

RowKind held_out_kind(const Recipe& recipe) {
  const bool loss = recipe.reward_funcs.empty() && !find_method(recipe.method).own_completions();
  return loss ? row_kind(recipe) : RowKind::prompts;
}

std::unique_ptr<RowSource> open_first_rows(const std::string& data, const Recipe& recipe, int64_t count) {
  if (!is_task(data)) return RowFile::beginning(data, rules_of(recipe, RowKind::prompts), count);
  std::unique_ptr<RowSource> rows = open_rows(data, recipe);
  rows->find(count);
  return rows;
}

std::unique_ptr<RowSource> open_rows(const std::string& data, const Recipe& recipe, RowKind kind) {
  if (is_task(data)) {
    if (kind == RowKind::pairs || kind == RowKind::samples)
      fail("data: {} needs a file of {}, found the built-in task {}",
           kind == RowKind::pairs ? recipe.method : "offline_rollouts",
           kind == RowKind::pairs ? "pairs (prompt, chosen, rejected)" : "completions with log_probs", data);
    return std::make_unique<RowsAtHand>(make_rows(data, {static_cast<int32_t>(recipe.task_digits), recipe.task_problems},
                                                  static_cast<uint64_t>(recipe.seed)));
  }
  return std::make_unique<RowFile>(data, rules_of(recipe, kind));
}

ProblemMaker::ProblemMaker(std::string data, const Recipe& recipe, const Tokenizer& tokenizer)
    : data_(std::move(data)), recipe_(recipe), tokenizer_(tokenizer), chat_(tokenizer_, recipe_) {}

std::string ProblemMaker::name_of(const Row& row) const {
  return row.line > 0 ? fmt::format("{}:{}", data_, row.line) : fmt::format("{}: \"{}\"", data_, row.question);
}

Problem ProblemMaker::make(Row row, RowKind kind) const {
  set_prompts({&row, 1}, recipe_.prompt_prefix, recipe_.prompt_suffix);
  const std::string name = name_of(row);
  chat_.render(row, kind == RowKind::pairs         ? ChatFormat::Wanted::pair
                    : kind == RowKind::completions ? ChatFormat::Wanted::completion
                                                   : ChatFormat::Wanted::prompt,
               name);
  if (kind == RowKind::samples) return offline_problem(std::move(row), name, tokenizer_);
  if (kind == RowKind::pairs) return make_pair(row, name, tokenizer_);
  return make_problem(std::move(row), kind == RowKind::completions, tokenizer_);
}

Problem ProblemMaker::make_checked(Row row, RowKind kind, const ModelConfig& config) const {
  Problem p = make(std::move(row), kind);
  check(p, kind, config);
  const bool prompts_too = !recipe_.completion_only_loss || (!p.row.turns.empty() && !recipe_.assistant_only_loss);
  if (kind == RowKind::completions && prompts_too) train_on_prompt(p);
  return p;
}

void ProblemMaker::check(const Problem& p, RowKind kind, const ModelConfig& config) const {
  const std::string name = name_of(p.row);
  if (kind == RowKind::completions && p.completion_ids.empty()) fail("{}: the completion has no tokens", name);
  const bool supervised = !p.completion_ids.empty();
  std::vector<const std::vector<int32_t>*> all{&p.prompt_ids, &p.completion_ids, &p.rejected_ids};
  for (const DrawnElsewhere& sample : p.samples) all.push_back(&sample.completion_ids);
  size_t longest = supervised ? 0 : static_cast<size_t>(recipe_.max_completion_length);
  for (const std::vector<int32_t>* ids : std::span(all).subspan(1)) longest = std::max(longest, ids->size());
  const size_t prompt = p.prompt_ids.size();
  if (prompt == 0) fail("{}: the prompt has no tokens", name);
  if (recipe_.max_prompt_length > 0 && static_cast<int64_t>(prompt) > recipe_.max_prompt_length)
    fail("{}: expected a prompt of at most {} tokens (max_prompt_length), found {}", name,
         recipe_.max_prompt_length, prompt);
  if (static_cast<int64_t>(prompt + longest) > config.context())
    fail("{}: the prompt's {} tokens and {} of completion exceed the model's context of {}", name, prompt,
         longest, config.context());
  for (const DrawnElsewhere& sample : p.samples)
    if (static_cast<int64_t>(sample.completion_ids.size()) > recipe_.max_completion_length)
      fail("{}: expected completions of at most {} tokens (max_completion_length), found {}", name,
           recipe_.max_completion_length, sample.completion_ids.size());
  for (const std::vector<int32_t>* ids : all)
    for (int32_t id : *ids)
      if (id < 0 || id >= config.vocab_size)
        fail("{}: expected token ids below the vocabulary's {}, found {}", name, config.vocab_size, id);
}


}  // namespace cohort
