#include "text/unigram.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {
constexpr double kUnknownPenalty = 10;  // SentencePiece's and Hugging Face tokenizers'
}

Unigram::Unigram(const TokenizerSpec& spec)
    : scores_(spec.scores),
      single_precision_(spec.single_precision),
      byte_fallback_(spec.byte_fallback),
      fuse_unk_(spec.fuse_unk) {
  COHORT_CHECK(scores_.size() == spec.vocab.size(), "{} scores, {} tokens", scores_.size(),
               spec.vocab.size());
  std::vector<char> absent(scores_.size(), 0), whole(scores_.size(), 0);
  for (const int32_t id : spec.absent) absent[static_cast<size_t>(id)] = 1;
  // A user-defined symbol gets 0.1 for each byte but the first, whatever the other scores (SentencePiece 0.2.3).
  for (const int32_t id : spec.whole) {
    whole[static_cast<size_t>(id)] = 1;
    scores_[static_cast<size_t>(id)] =
        static_cast<float>(0.1 * static_cast<double>(spec.vocab[static_cast<size_t>(id)].size()) - 0.1);
  }
  std::vector<std::pair<std::string_view, int32_t>> keys;
  double min_score = 0;
  bool any = false;
  for (size_t i = 0; i < scores_.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (!spec.unk_token.empty() && spec.vocab[i] == spec.unk_token) unk_ = id;
    ids_[spec.vocab[i]] = id;
    if (absent[i] || spec.vocab[i].empty()) continue;
    keys.emplace_back(spec.vocab[i], id);
    // SentencePiece looks at normal tokens alone, Hugging Face at all.
    if (whole[i]) continue;
    min_score = any ? std::min(min_score, scores_[i]) : scores_[i];
    any = true;
  }
  unk_score_ = min_score - kUnknownPenalty;
  if (single_precision_) unk_score_ = static_cast<float>(min_score) - static_cast<float>(kUnknownPenalty);
  trie_ = Trie(std::move(keys));
  for (int byte = 0; byte < 256; ++byte) {
    const auto token = ids_.find(fmt::format("<0x{:02X}>", byte));
    byte_token_[byte] = token == ids_.end() ? -1 : token->second;
  }
}

void Unigram::append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
  const auto token_of = [&](char c) { return byte_token_[static_cast<uint8_t>(c)]; };
  if (byte_fallback_ && std::all_of(text.begin(), text.end(), [&](char c) { return token_of(c) >= 0; })) {
    for (const char c : text) ids.push_back(token_of(c));
  } else {
    ids.push_back(unk_);
  }
}

void Unigram::encode(std::string_view piece, std::vector<int32_t>& ids) const {
  struct Node {
    double score = 0;
    int32_t id = -1;
    int32_t begin = -1;
  };
  COHORT_CHECK(piece.size() < size_t{1} << 31, "a piece of {} bytes", piece.size());
  std::vector<Node> best(piece.size() + 1);  // of the ways to each end
  const auto offer = [&](size_t end, double score, int32_t id, size_t begin) {
    Node& node = best[end];
    if (node.begin < 0 || score > node.score) node = {score, id, static_cast<int32_t>(begin)};
  };
  const auto sum = [&](double a, double b) -> double {
    return single_precision_ ? static_cast<float>(a) + static_cast<float>(b) : a + b;
  };
  for (size_t at = 0; at < piece.size();) {
    const double till_here = best[at].score;
    const size_t character = next_utf8(piece.substr(at)).size;
    bool covered = false;
    trie_.prefixes(piece.substr(at), [&](size_t length, int32_t id) {
      offer(at + length, sum(scores_[static_cast<size_t>(id)], till_here), id, at);
      if (length == character) covered = true;
    });
    if (!covered) {
      if (unk_ < 0)
        fail("the tokenizer has no token for \"{}\", and no unknown token", piece.substr(at, character));
      offer(at + character, sum(unk_score_, till_here), unk_, at);
    }
    at += character;
  }
  struct Part {
    size_t begin, end;
    int32_t id;
  };
  std::vector<Part> parts;  // last first
  for (size_t end = piece.size(); end > 0;) {
    const Node& node = best[end];
    const auto begin = static_cast<size_t>(node.begin);
    if (node.id == unk_ && fuse_unk_ && !parts.empty() && parts.back().id == unk_) {
      parts.back().begin = begin;
    } else {
      parts.push_back({begin, end, node.id});
    }
    end = begin;
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->id == unk_ && unk_ >= 0) {
      const std::string text(piece.substr(part->begin, part->end - part->begin));
      const auto token = single_precision_ ? ids_.end() : ids_.find(text);
      if (token != ids_.end()) {
        ids.push_back(token->second);
      } else {
        append_unknown(text, ids);
      }
    } else {
      ids.push_back(part->id);
    }
  }
}

}  // namespace cohort
