// Byte-pair encoding of one pre-token: starting from single bytes or characters, the best-ranked neighbouring
// pair is merged until none is left (Sennrich et al., arXiv 1508.07909). A heap over a linked list:
// O(n log n) in the length of the piece.
#pragma once

#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/trie.h"

namespace cohort {

struct TokenizerSpec;

// Immutable but for a cache of short pieces, which is guarded; safe to use from several threads.
class Bpe {
 public:
  // With spec.byte_level() a piece is bytes and a token what its characters stand for in GPT-2's alphabet;
  // else both are read by characters.
  explicit Bpe(const TokenizerSpec& spec);

  // Working memory of one caller, and the number of heap insertions so far: the measure of work.
  struct Scratch {
    int64_t pushes = 0;
    struct Symbol {
      int32_t id, previous, next;
    };
    struct Candidate {
      uint32_t rank;
      int32_t at;           // the left symbol
      int32_t left, right;  // ids when it was found
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
    std::unordered_map<int32_t, std::pair<int32_t, int32_t>> parts;  // of unused tokens, as last seen
  };

  // Appends the ids of `piece`. What has no token is spelt by byte tokens with byte_fallback, else it becomes
  // the unknown token, or nothing where there is none.
  void encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  struct Slot {
    uint64_t pair = ~uint64_t{0};  // left << 32 | right; all ones: an empty slot
    uint32_t rank = 0;
    int32_t merged = 0;
  };
  const Slot* find(int32_t left, int32_t right) const;
  int32_t character_token(char32_t code) const;
  void encode_word(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;
  void make_symbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const;
  void merge(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;
  void append(int32_t id, const Scratch& scratch, std::vector<int32_t>& ids) const;

  bool byte_level_;
  int32_t byte_token_[256];               // of a byte, or of <0xNN> with byte_fallback; -1: none
  std::vector<int32_t> near_characters_;  // token of each character below U+10000, or -1
  std::unordered_map<char32_t, int32_t> far_characters_;
  int32_t unk_ = -1;
  bool fuse_unk_, byte_fallback_;
  bool words_ = false;        // no merge reaches over the beginning of a run of U+2581
  Trie whole_;                // tokens that are never merged
  std::vector<Slot> merges_;  // open addressing, a power of two, at most half full
  std::vector<char> unused_;  // by id; empty where none is
  // All tokens, with ignore_merges.
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> pieces_;

  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> cache_;
};

}  // namespace cohort
