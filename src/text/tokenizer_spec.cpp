#include "text/tokenizer_spec.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/utf8.h"
#include "text/characters.h"

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
  spec.merges.reserve(merges.size());
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
    spec.merges.push_back(
        {id_of(merges[i].first), id_of(merges[i].second), id_of(joined), static_cast<uint32_t>(i)});
  }
}

void set_scored_merges(TokenizerSpec& spec, const std::vector<float>& scores,
                       const std::vector<char>& mergeable) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (mergeable[id]) ids.emplace(spec.vocab[id], static_cast<int32_t>(id));
  }
  spec.merges.clear();
  for (const auto& [token, merged] : ids) {
    for (size_t cut = 1; cut < token.size(); ++cut) {
      if ((token[cut] & 0xC0) == 0x80) continue;
      const auto left = ids.find(token.substr(0, cut));
      if (left == ids.end()) continue;
      if (const auto right = ids.find(token.substr(cut)); right != ids.end())
        spec.merges.push_back({left->second, right->second, merged, 0});
    }
  }
  const auto score = [&](const Merge& m) { return scores[static_cast<size_t>(m.merged)]; };
  std::sort(spec.merges.begin(), spec.merges.end(), [&](const Merge& a, const Merge& b) {
    if (score(a) != score(b)) return score(a) > score(b);
    return std::tie(a.merged, a.left, a.right) < std::tie(b.merged, b.left, b.right);
  });
  for (size_t i = 0; i < spec.merges.size(); ++i) {
    Merge& m = spec.merges[i];
    m.rank =
        i > 0 && score(spec.merges[i - 1]) == score(m) ? spec.merges[i - 1].rank : static_cast<uint32_t>(i);
  }
}

NormalizerStep replace_normalizer(std::string from, std::string to) {
  NormalizerStep step;
  step.kind = NormalizerStep::Kind::replace;
  step.pattern = {std::move(from), true};
  step.content = std::move(to);
  return step;
}

NormalizerStep prepend_normalizer(std::string content) {
  NormalizerStep step;
  step.kind = NormalizerStep::Kind::prepend;
  step.content = std::move(content);
  return step;
}

PreTokenizerStep split_step(std::string regex) {
  PreTokenizerStep step;
  step.pattern.text = std::move(regex);
  return step;
}

PreTokenizerStep byte_level_step(bool use_regex) {
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::byte_level;
  step.use_regex = use_regex;
  return step;
}

std::vector<DecoderStep> sentencepiece_decoders(bool strip) {
  std::vector<DecoderStep> steps(strip ? 4 : 3);
  steps[0].kind = DecoderStep::Kind::replace;
  steps[0].pattern = {std::string(kMetaspace), true};
  steps[0].content = " ";
  steps[1].kind = DecoderStep::Kind::byte_fallback;
  steps[2].kind = DecoderStep::Kind::fuse;
  if (strip) {
    steps[3].kind = DecoderStep::Kind::strip;
    steps[3].content = " ";
    steps[3].start = 1;
  }
  return steps;
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
  spec.pre_tokenizers.push_back(split_step(R"([\x00-\x{10FFFF}])"));
  spec.decoders.emplace_back().kind = DecoderStep::Kind::fuse;
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
