#include "run/problem.h"

#include <algorithm>

#include "base/check.h"
#include "data/pairs.h"

namespace cohort {
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

void train_on_prompt(Problem& p) {
  p.completion_ids.insert(p.completion_ids.begin(), p.prompt_ids.begin() + 1, p.prompt_ids.end());
  p.prompt_ids.resize(1);
  p.spans.clear();
}

}  // namespace cohort
