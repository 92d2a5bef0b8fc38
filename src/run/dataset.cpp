#include "run/dataset.h"

#include <algorithm>

#include "data/pairs.h"
#include "data/tasks.h"
#include "rl/methods.h"

namespace cohort {
namespace {

std::vector<Row> rows_of(const std::string& data, const Recipe& recipe, bool supervised, bool pairs = false) {
  for (const TaskInfo& task : task_list())
    if (task.name == data)
      return make_rows(data, {static_cast<int32_t>(recipe.task_digits), recipe.task_problems},
                       static_cast<uint64_t>(recipe.seed));
  if (pairs) return read_pairs(data);
  static constexpr std::string_view with_completion[] = {"prompt", "completion"};
  return read_rows(data, RequiredFields(with_completion).first(supervised ? 2 : 1));
}

std::string name_of(const Row& row, const std::string& data) {
  return row.line > 0 ? fmt::format("{}:{}", data, row.line) : fmt::format("{}: \"{}\"", data, row.question);
}

}  // namespace

std::vector<int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer) {
  if (!config.eos_token_ids.empty()) return config.eos_token_ids;
  if (tokenizer.eos_token_id() >= 0) return {tokenizer.eos_token_id()};
  return {};
}

Problem make_problem(Row row, bool supervised, const Tokenizer& tokenizer) {
  Problem p;
  p.prompt_ids = row.prompt_ids;
  if (p.prompt_ids.empty()) {
    const int32_t bos = tokenizer.bos_token_id();
    p.prompt_ids = tokenizer.encode(row.prompt, true);
    if (p.prompt_ids.size() > 1 && bos >= 0 && p.prompt_ids[0] == bos && p.prompt_ids[1] == bos)
      p.prompt_ids.erase(p.prompt_ids.begin());  // the text brought its own
  }
  if (supervised) {
    p.completion_ids = row.completion_ids;
    if (p.completion_ids.empty()) {
      p.completion_ids = tokenizer.encode(row.completion, false);
      if (tokenizer.eos_token_id() >= 0) p.completion_ids.push_back(tokenizer.eos_token_id());
    }
  }
  p.row = std::move(row);
  return p;
}

GenerationOptions generation_options(const Recipe& r, const ModelConfig& config, const Tokenizer& tokenizer) {
  GenerationOptions o;
  o.sampling = {static_cast<float>(r.temperature), static_cast<float>(r.top_p), static_cast<int32_t>(r.top_k),
                static_cast<float>(r.min_p)};
  o.max_completion_length = static_cast<int32_t>(r.max_completion_length);
  o.end_tokens = end_tokens(config, tokenizer);
  o.stop = r.stop;
  o.ignore_end = r.ignore_eos;
  o.seed = static_cast<uint64_t>(r.seed);
  o.max_sequences = static_cast<int32_t>(r.max_sequences);
  o.kv_memory_bytes = static_cast<int64_t>(r.kv_memory_gb * 1e9);
  return o;
}

Datasets load_datasets(const Recipe& recipe, const Tokenizer& tokenizer, const ModelConfig& config) {
  const Source source = find_method(recipe.method).source;
  const bool pairs = source == Source::pairs, supervised = pairs || source == Source::file;
  for (const TaskInfo& task : task_list())
    if (pairs && task.name == recipe.data)
      fail("data: dpo needs a file of pairs (prompt, chosen, rejected), found the built-in task {}",
           task.name);
  Datasets sets;
  auto add = [&](std::vector<Row> rows, const std::string& data, bool with_completion,
                 std::vector<Problem>& to) {
    set_prompts(rows, recipe.prompt_prefix, recipe.prompt_suffix);
    for (Row& row : rows) {
      const std::string name = name_of(row, data);
      Problem p;
      if (pairs && with_completion) {
        Pair pair = pair_of(row);
        p = make_problem(std::move(pair.chosen), true, tokenizer);
        Problem other = make_problem(std::move(pair.rejected), true, tokenizer);
        p.rejected = std::move(other.row.completion);
        p.rejected_ids = std::move(other.completion_ids);
        if (p.rejected_ids == p.completion_ids)
          fail("{}: expected two different completions, found the same tokens in chosen and rejected", name);
      } else {
        p = make_problem(std::move(row), with_completion, tokenizer);
      }
      const int64_t prompt = static_cast<int64_t>(p.prompt_ids.size());
      const int64_t longest =
          with_completion ? static_cast<int64_t>(std::max(p.completion_ids.size(), p.rejected_ids.size()))
                          : recipe.max_completion_length;
      if (prompt == 0) fail("{}: the prompt has no tokens", name);
      if (with_completion && p.completion_ids.empty()) fail("{}: the completion has no tokens", name);
      if (recipe.max_prompt_length > 0 && prompt > recipe.max_prompt_length)
        fail("{}: expected a prompt of at most {} tokens (max_prompt_length), found {}", name,
             recipe.max_prompt_length, prompt);
      if (prompt + longest > config.max_position_embeddings)
        fail("{}: the prompt's {} tokens and {} of completion exceed the model's context of {}", name, prompt,
             longest, config.max_position_embeddings);
      for (const std::vector<int32_t>* ids : {&p.prompt_ids, &p.completion_ids, &p.rejected_ids})
        for (int32_t id : *ids)
          if (id < 0 || id >= config.vocab_size)
            fail("{}: expected token ids below the vocabulary's {}, found {}", name, config.vocab_size, id);
      to.push_back(std::move(p));
    }
  };
  Split split = split_by_question(rows_of(recipe.data, recipe, supervised, pairs), recipe.holdout_fraction);
  if (split.train.empty())
    fail("{}: no row is left for training with holdout_fraction {}", recipe.data, recipe.holdout_fraction);
  add(std::move(split.train), recipe.data, supervised, sets.train);
  if (recipe.eval_data.empty())
    add(std::move(split.held_out), recipe.data, false, sets.eval);
  else
    add(rows_of(recipe.eval_data, recipe, false), recipe.eval_data, false, sets.eval);
  if (recipe.eval_problems > 0 && static_cast<int64_t>(sets.eval.size()) > recipe.eval_problems)
    sets.eval.resize(recipe.eval_problems);
  return sets;
}

}  // namespace cohort
