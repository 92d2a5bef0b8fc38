// The unigram language model's best segmentation (Kudo, arXiv 1804.10959): Viterbi over the tokens that begin
// at each character. Linear in the text for a given longest token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/trie.h"

namespace cohort {

struct TokenizerSpec;

// Immutable and safe to use from several threads.
class Unigram {
 public:
  explicit Unigram(const TokenizerSpec& spec);

  // Appends the ids of `piece`. A character that no token covers is unknown, neighbours together (with
  // spec.fuse_unk); unknown text is spelt by byte tokens with byte_fallback.
  void encode(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;

  std::vector<double> scores_;
  double unk_score_ = 0;
  int32_t unk_ = -1;
  bool single_precision_, byte_fallback_, fuse_unk_;
  int32_t byte_token_[256];
  Trie trie_;
  std::unordered_map<std::string, int32_t> ids_;
};

}  // namespace cohort
