#include "text/tokenizer_spec.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/utf8.h"

namespace cohort {

std::pair<std::string_view, std::string_view> split_merge(std::string_view merge, size_t index,
                                                          const std::string& where) {
  const size_t space = merge.find(' ');
  if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
    fail("{}: merges[{}]: expected two tokens with one space between, found \"{}\"", where, index, merge);
  }
  return {merge.substr(0, space), merge.substr(space + 1)};
}

void set_merges(TokenizerSpec& spec, const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                const std::string& where) {
  std::unordered_map<std::string_view, int32_t> ids;
  ids.reserve(spec.vocab.size());
  for (size_t id = 0; id < spec.vocab.size(); ++id) ids.emplace(spec.vocab[id], static_cast<int32_t>(id));
  spec.merges.clear();
  spec.merged.clear();
  spec.merges.reserve(merges.size());
  spec.merged.reserve(merges.size());
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto id_of = [&](std::string_view token) {
      const auto found = ids.find(token);
      if (found == ids.end()) {
        fail("{}: merges[{}]: \"{}\" + \"{}\": \"{}\" is not in the vocabulary", where, i, merges[i].first,
             merges[i].second, token);
      }
      return found->second;
    };
    if (merges[i].first.empty() || merges[i].second.empty()) fail("{}: merges[{}]: an empty token", where, i);
    joined.assign(merges[i].first).append(merges[i].second);
    spec.merges.emplace_back(id_of(merges[i].first), id_of(merges[i].second));
    spec.merged.push_back(id_of(joined));
  }
}

void check_added_tokens(TokenizerSpec& spec, const std::string& where) {
  std::stable_sort(spec.added.begin(), spec.added.end(),
                   [](const auto& a, const auto& b) { return a.id < b.id; });
  std::unordered_set<std::string_view> beyond(spec.vocab.begin(), spec.vocab.end());
  const auto known = static_cast<int64_t>(spec.vocab.size());
  int64_t next = known;
  int64_t previous = -1;
  for (const AddedToken& token : spec.added) {
    if (token.content.empty()) fail("{}: added_tokens: the token with id {} is empty", where, token.id);
    if (token.id == previous) fail("{}: added_tokens: two tokens have the id {}", where, token.id);
    previous = token.id;
    if (token.id < known) {
      const std::string& there = spec.vocab[static_cast<size_t>(token.id)];
      if (there != token.content) {
        fail("{}: added_tokens: \"{}\" has the id {}, which is \"{}\" in the vocabulary", where,
             token.content, token.id, there);
      }
      continue;
    }
    if (token.id != next)
      fail("{}: added_tokens: \"{}\" has the id {}, expected {}: ids must have no holes", where,
           token.content, token.id, next);
    if (!beyond.insert(token.content).second)
      fail("{}: added_tokens: \"{}\" has two ids, one of them {}", where, token.content, token.id);
    ++next;
  }
}

TokenizerSpec character_spec(std::string_view alphabet, const std::vector<std::string>& whole_tokens,
                             const std::string& eos_token) {
  TokenizerSpec spec;
  spec.model = TokenizerSpec::Model::word_level;
  spec.splits.push_back({R"([\x00-\x{10FFFF}])", SplitBehavior::isolated, false});
  std::unordered_set<std::string> seen;
  const auto add = [&](std::string token) {
    if (!seen.insert(token).second) fail("character tokenizer: \"{}\" is given twice", token);
    spec.vocab.push_back(std::move(token));
  };
  for (const std::string& token : whole_tokens) {
    if (token.empty() || !is_valid_utf8(token))
      fail("character tokenizer: a whole token is empty or not UTF-8");
    AddedToken added;
    added.id = static_cast<int32_t>(spec.vocab.size());
    added.content = token;
    added.special = token == eos_token;
    spec.added.push_back(added);
    add(token);
  }
  for (size_t at = 0; at < alphabet.size();) {
    const Utf8Char c = next_utf8(alphabet.substr(at));
    if (!c.valid) fail("character tokenizer: the alphabet is not UTF-8 at byte {}", at);
    add(std::string(alphabet.substr(at, c.size)));
    at += c.size;
  }
  if (!eos_token.empty() &&
      std::find(whole_tokens.begin(), whole_tokens.end(), eos_token) == whole_tokens.end()) {
    fail("character tokenizer: the end token \"{}\" is not among the whole tokens", eos_token);
  }
  spec.eos_token = eos_token;
  return spec;
}

}  // namespace cohort
