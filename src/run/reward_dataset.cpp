#include "run/reward_dataset.h"

#include "base/json.h"
#include "base/log.h"
#include "data/order.h"
#include "data/pairs.h"
#include "data/reward_rows.h"
#include "rl/steps.h"
#include "run/chat_format.h"
#include "run/dataset.h"
#include "run/problem.h"

namespace cohort {
namespace {

std::vector<Row> read(const std::string& path, const RewardRecipe& recipe) {
  if (recipe.loss == "pairwise") return read_rows(path, pair_rules());
  if (recipe.loss == "pointwise") return read_rows(path, labelled_rules());
  return read_rows(path, stepwise_rules());
}

JudgedCompletion at_the_end(std::vector<int32_t> ids) {
  const auto end = static_cast<int32_t>(ids.size());
  return {std::move(ids), {end}};
}

RewardExample tokenize(Row row, const std::string& name, const RewardRecipe& recipe, const ChatFormat& chat,
                       const Tokenizer& tokenizer) {
  RewardExample example;
  example.line = row.line;
  example.question = text_hash(row.question);
  if (recipe.loss == "pairwise") {
    chat.render(row, ChatFormat::Wanted::pair, fmt::format("{}:{}", name, row.line));
    Pair pair = pair_of(row);
    example.margin = margin_of(row, name);
    Problem chosen = make_problem(std::move(pair.chosen), true, tokenizer);
    example.prompt_ids = std::move(chosen.prompt_ids);
    example.completions.push_back(at_the_end(std::move(chosen.completion_ids)));
    example.completions.push_back(
        at_the_end(make_problem(std::move(pair.rejected), true, tokenizer).completion_ids));
    if (example.completions[0].ids == example.completions[1].ids)
      fail("{}:{}: expected two different completions, found the same tokens in chosen and rejected", name,
           row.line);
    return example;
  }
  LabelledSteps steps;
  if (recipe.loss == "stepwise") {
    steps = labelled_steps(row);
    row.completion = fmt::format("{}", fmt::join(steps.steps, recipe.step_separator));
    example.labels = steps.labels;
  } else {
    example.labels = {label_of(row)};
  }
  const int64_t line = row.line;
  Problem problem = make_problem(std::move(row), true, tokenizer);
  example.prompt_ids = std::move(problem.prompt_ids);
  if (recipe.loss == "stepwise") {
    Sample sample;
    sample.completion_ids = std::move(problem.completion_ids);
    std::vector<int32_t> ends = step_ends(tokenizer, sample, recipe.step_separator);
    if (ends.size() != steps.steps.size())
      fail("{}:{}: {} steps, but {} are found in them joined by step_separator {}", name, line,
           steps.steps.size(), ends.size(), json_text(recipe.step_separator));
    example.completions.push_back({std::move(sample.completion_ids), std::move(ends)});
  } else {
    example.completions.push_back(at_the_end(std::move(problem.completion_ids)));
  }
  return example;
}

}  // namespace

std::vector<RewardExample> reward_examples(std::vector<Row> rows, const std::string& name,
                                           const RewardRecipe& recipe, const Tokenizer& tokenizer,
                                           const ModelConfig& config) {
  std::vector<RewardExample> examples;
  int64_t most = config.context(), too_long = 0;
  if (recipe.max_length > 0) most = std::min(most, recipe.max_length);
  const ChatFormat chat(tokenizer, {});
  for (Row& row : rows) {
    RewardExample example = tokenize(std::move(row), name, recipe, chat, tokenizer);
    const auto prompt = static_cast<int64_t>(example.prompt_ids.size());
    if (prompt == 0) fail("{}:{}: the prompt has no tokens", name, example.line);
    bool fits = true;
    auto check_ids = [&](const std::vector<int32_t>& ids) {
      for (int32_t id : ids)
        if (id < 0 || id >= config.vocab_size)
          fail("{}:{}: expected token ids below the vocabulary's {}, found {}", name, example.line,
               config.vocab_size, id);
    };
    check_ids(example.prompt_ids);
    for (const JudgedCompletion& completion : example.completions) {
      if (completion.ids.empty()) fail("{}:{}: the completion has no tokens", name, example.line);
      check_ids(completion.ids);
      fits = fits && prompt + static_cast<int64_t>(completion.ids.size()) <= most;
    }
    if (fits)
      examples.push_back(std::move(example));
    else
      ++too_long;
  }
  if (too_long > 0)
    log_warning("{}: {} of {} rows have more than {} tokens (max_length, or the model's context): left out",
                name, too_long, rows.size(), most);
  return examples;
}

RewardDatasets load_reward_datasets(const RewardRecipe& recipe, const Tokenizer& tokenizer,
                                    const ModelConfig& config, bool with_split) {
  if (recipe.loss == "stepwise" && recipe.step_separator.empty())
    fail("step_separator: expected the text that ends a step, found nothing");
  const auto examples = [&](std::vector<Row> rows, const std::string& name) {
    return reward_examples(std::move(rows), name, recipe, tokenizer, config);
  };
  RewardDatasets sets;
  const bool split_file = with_split && recipe.eval_data.empty();
  Split split = split_by_question(read(recipe.data, recipe), split_file ? recipe.holdout_fraction : 0);
  sets.train = examples(std::move(split.train), recipe.data);
  sets.eval = examples(std::move(split.held_out), recipe.data);
  if (with_split && !recipe.eval_data.empty())
    sets.eval = examples(read(recipe.eval_data, recipe), recipe.eval_data);
  if (sets.train.empty()) fail("{}: no row is left (holdout_fraction, max_length)", recipe.data);
  return sets;
}

}  // namespace cohort
