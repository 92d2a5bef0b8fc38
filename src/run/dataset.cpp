#include "run/dataset.h"

#include "run/sandbox_tool.h"

#include <algorithm>

#include "data/pairs.h"
#include "data/tasks.h"
#include "rl/methods.h"
#include "run/chat_format.h"
#include "run/offline.h"

namespace cohort {
namespace {

// What the rows of a data set bring.
enum class Kind { prompts, completions, pairs, samples };

Kind kind_of(const Recipe& recipe) {
  switch (find_method(recipe.method).source) {
    case Source::pairs:
      return Kind::pairs;
    case Source::file:
      return Kind::completions;
    default:
      return recipe.offline_rollouts ? Kind::samples : Kind::prompts;
  }
}

// A recipe that says what stands around a prompt takes conversations apart; else a chat template renders
// them.
Conversations conversations_of(const Recipe& recipe, Kind kind) {
  if (recipe.prompt_prefix.empty() && recipe.prompt_suffix.empty()) return Conversations::chat;
  return kind == Kind::completions ? Conversations::turns : Conversations::refused;
}

std::vector<Row> rows_of(const std::string& data, const Recipe& recipe, Kind kind) {
  for (const TaskInfo& task : task_list()) {
    if (task.name != data) continue;
    if (kind == Kind::pairs || kind == Kind::samples)
      fail("data: {} needs a file of {}, found the built-in task {}",
           kind == Kind::pairs ? recipe.method : "offline_rollouts",
           kind == Kind::pairs ? "pairs (prompt, chosen, rejected)" : "completions with log_probs", data);
    return make_rows(data, {static_cast<int32_t>(recipe.task_digits), recipe.task_problems},
                     static_cast<uint64_t>(recipe.seed));
  }
  if (kind == Kind::pairs) return read_pairs(data, recipe.columns);
  static constexpr std::string_view fields[] = {"prompt", "completion"};
  return read_rows(data, RequiredFields(fields).first(kind == Kind::prompts ? 1 : 2),
                   conversations_of(recipe, kind), recipe.columns);
}

std::string name_of(const Row& row, const std::string& data) {
  return row.line > 0 ? fmt::format("{}:{}", data, row.line) : fmt::format("{}: \"{}\"", data, row.question);
}

}  // namespace

std::vector<Row> load_rows(const std::string& data, const Recipe& recipe) {
  return rows_of(data, recipe, Kind::prompts);
}

std::vector<int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer) {
  if (!config.eos_token_ids.empty()) return config.eos_token_ids;
  if (tokenizer.eos_token_id() >= 0) return {tokenizer.eos_token_id()};
  return {};
}

namespace {

// A text that ends a turn of the model's: with the end token, where there is one.
std::vector<int32_t> finished(const std::string& text, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids = tokenizer.encode(text, false);
  if (tokenizer.eos_token_id() >= 0) ids.push_back(tokenizer.eos_token_id());
  return ids;
}

// A piece of a longer text: without the space that a SentencePiece tokenizer puts where a text begins.
std::vector<int32_t> continued(const std::string& text, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids = tokenizer.encode(text, false);
  std::string bytes;
  for (int32_t id : ids) bytes += tokenizer.token_bytes(id);
  if (bytes == text) return ids;
  const std::vector<int32_t> newline = tokenizer.encode("\n", false);
  const std::vector<int32_t> behind = tokenizer.encode("\n" + text, false);
  if (behind.size() < newline.size() || !std::equal(newline.begin(), newline.end(), behind.begin())) return ids;
  return {behind.begin() + std::ssize(newline), behind.end()};
}

// How many of the tokens that a chat template made of an answer the model writes: up to the special token
// that ends it, where nothing but white space stands behind that.
size_t written_tokens(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  size_t n = ids.size();
  while (n > 0 && !tokenizer.is_special(ids[n - 1])) {
    if (tokenizer.token_bytes(ids[n - 1]).find_first_not_of(" \t\r\n") != std::string::npos) return ids.size();
    --n;
  }
  return n > 0 ? n : ids.size();
}

// A conversation after its prompt, assistant and user by turns.
void add_turns(const Row& row, const Tokenizer& tokenizer, Problem& p) {
  const auto add = [&](std::span<const int32_t> ids, bool assistant) {
    if (ids.empty()) return;
    const auto begin = static_cast<int32_t>(p.completion_ids.size());
    p.completion_ids.insert(p.completion_ids.end(), ids.begin(), ids.end());
    p.spans.push_back({begin, begin + static_cast<int32_t>(ids.size()), assistant});
  };
  for (size_t i = 0; i < row.turns.size(); ++i) {
    const bool assistant = i % 2 == 0;
    const std::vector<int32_t> ids = assistant && !row.rendered ? finished(row.turns[i], tokenizer)
                                     : row.rendered          ? continued(row.turns[i], tokenizer)
                                                             : tokenizer.encode(row.turns[i], false);
    const size_t written = assistant && row.rendered ? written_tokens(ids, tokenizer) : ids.size();
    add(std::span(ids).first(written), assistant);
    if (i + 1 < row.turns.size()) add(std::span(ids).subspan(written), false);
  }
}

// The prompt's tokens are trained on as well, all but the first, which nothing predicts.
void train_on_prompt(Problem& p) {
  p.completion_ids.insert(p.completion_ids.begin(), p.prompt_ids.begin() + 1, p.prompt_ids.end());
  p.prompt_ids.resize(1);
  p.spans.clear();
}

}  // namespace

Problem make_problem(Row row, bool supervised, const Tokenizer& tokenizer) {
  Problem p;
  p.prompt_ids = row.prompt_ids;
  if (p.prompt_ids.empty()) {
    const int32_t bos = tokenizer.bos_token_id();
    p.prompt_ids = tokenizer.encode(row.prompt, !row.rendered);
    if (p.prompt_ids.size() > 1 && bos >= 0 && p.prompt_ids[0] == bos && p.prompt_ids[1] == bos)
      p.prompt_ids.erase(p.prompt_ids.begin());  // the text brought its own
  }
  if (supervised) {
    p.completion_ids = row.completion_ids;
    if (!row.turns.empty())
      add_turns(row, tokenizer, p);
    else if (row.rendered) {
      p.completion_ids = continued(row.completion, tokenizer);
      p.completion_ids.resize(written_tokens(p.completion_ids, tokenizer));
    } else if (p.completion_ids.empty())
      p.completion_ids = finished(row.completion, tokenizer);
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
  o.tools = sandbox_tool(r);
  return o;
}

namespace {

Problem make_pair(const Row& row, const std::string& name, const Tokenizer& tokenizer) {
  Pair pair = pair_of(row);
  Problem p = make_problem(std::move(pair.chosen), true, tokenizer);
  Problem other = make_problem(std::move(pair.rejected), true, tokenizer);
  p.rejected = std::move(other.row.completion);
  p.rejected_ids = std::move(other.completion_ids);
  if (p.rejected_ids == p.completion_ids)
    fail("{}: expected two different completions, found the same tokens in chosen and rejected", name);
  return p;
}

// Refuses what is empty, too long, or not in the vocabulary.
void check(const Problem& p, const std::string& name, const Recipe& recipe, const ModelConfig& config) {
  const bool supervised = !p.completion_ids.empty();
  std::vector<const std::vector<int32_t>*> all{&p.prompt_ids, &p.completion_ids, &p.rejected_ids};
  for (const DrawnElsewhere& sample : p.samples) all.push_back(&sample.completion_ids);
  size_t longest = supervised ? 0 : static_cast<size_t>(recipe.max_completion_length);
  for (const std::vector<int32_t>* ids : std::span(all).subspan(1)) longest = std::max(longest, ids->size());
  const size_t prompt = p.prompt_ids.size();
  if (prompt == 0) fail("{}: the prompt has no tokens", name);
  if (recipe.max_prompt_length > 0 && static_cast<int64_t>(prompt) > recipe.max_prompt_length)
    fail("{}: expected a prompt of at most {} tokens (max_prompt_length), found {}", name,
         recipe.max_prompt_length, prompt);
  if (static_cast<int64_t>(prompt + longest) > config.context())
    fail("{}: the prompt's {} tokens and {} of completion exceed the model's context of {}", name, prompt,
         longest, config.context());
  for (const DrawnElsewhere& sample : p.samples)
    if (static_cast<int64_t>(sample.completion_ids.size()) > recipe.max_completion_length)
      fail("{}: expected completions of at most {} tokens (max_completion_length), found {}", name,
           recipe.max_completion_length, sample.completion_ids.size());
  for (const std::vector<int32_t>* ids : all)
    for (int32_t id : *ids)
      if (id < 0 || id >= config.vocab_size)
        fail("{}: expected token ids below the vocabulary's {}, found {}", name, config.vocab_size, id);
}

// What the model sees of each row.
void set_texts(std::span<Row> rows, const std::string& data, Kind kind, const Recipe& recipe,
               const Tokenizer& tokenizer) {
  set_prompts(rows, recipe.prompt_prefix, recipe.prompt_suffix);
  const ChatFormat chat(tokenizer, recipe);
  for (Row& row : rows)
    chat.render(row, kind == Kind::pairs         ? ChatFormat::Wanted::pair
                     : kind == Kind::completions ? ChatFormat::Wanted::completion
                                                 : ChatFormat::Wanted::prompt,
                name_of(row, data));
}

std::vector<Problem> problems_of(std::vector<Row> rows, const std::string& data, Kind kind,
                                 const Recipe& recipe, const Tokenizer& tokenizer,
                                 const ModelConfig& config) {
  set_texts(rows, data, kind, recipe, tokenizer);
  std::vector<Problem> problems;
  if (kind == Kind::samples) {
    problems = offline_problems(std::move(rows), data, recipe.num_generations, tokenizer);
  } else {
    for (Row& row : rows)
      problems.push_back(kind == Kind::pairs
                             ? make_pair(row, name_of(row, data), tokenizer)
                             : make_problem(std::move(row), kind == Kind::completions, tokenizer));
  }
  for (Problem& p : problems) {
    const std::string name = name_of(p.row, data);
    if (kind == Kind::completions && p.completion_ids.empty()) fail("{}: the completion has no tokens", name);
    check(p, name, recipe, config);
    const bool prompts_too = !recipe.completion_only_loss || (!p.row.turns.empty() && !recipe.assistant_only_loss);
    if (kind == Kind::completions && prompts_too) train_on_prompt(p);
  }
  return problems;
}

}  // namespace

std::vector<Problem> prompts_of(std::vector<Row> rows, const Recipe& recipe, const Tokenizer& tokenizer) {
  set_texts(rows, recipe.data, Kind::prompts, recipe, tokenizer);
  std::vector<Problem> problems;
  for (Row& row : rows) problems.push_back(make_problem(std::move(row), false, tokenizer));
  return problems;
}

Datasets load_datasets(const Recipe& recipe, const Tokenizer& tokenizer, const ModelConfig& config) {
  const Kind kind = kind_of(recipe);
  const auto problems = [&](std::vector<Row> rows, const std::string& data, Kind of) {
    return problems_of(std::move(rows), data, of, recipe, tokenizer, config);
  };
  Split split = split_by_question(rows_of(recipe.data, recipe, kind), recipe.holdout_fraction);
  if (split.train.empty())
    fail("{}: no row is left for training with holdout_fraction {}", recipe.data, recipe.holdout_fraction);
  if (kind == Kind::samples) {  // one of a prompt's rows is enough to ask it again
    const auto same = [](const Row& a, const Row& b) {
      return a.question == b.question && a.prompt_ids == b.prompt_ids;
    };
    split.held_out.erase(std::unique(split.held_out.begin(), split.held_out.end(), same),
                         split.held_out.end());
  }
  Datasets sets;
  sets.train = problems(std::move(split.train), recipe.data, kind);
  sets.eval = recipe.eval_data.empty() ? problems(std::move(split.held_out), recipe.data, Kind::prompts)
                                       : problems(rows_of(recipe.eval_data, recipe, Kind::prompts),
                                                  recipe.eval_data, Kind::prompts);
  if (recipe.eval_problems > 0 && static_cast<int64_t>(sets.eval.size()) > recipe.eval_problems)
    sets.eval.resize(recipe.eval_problems);
  return sets;
}

}  // namespace cohort
