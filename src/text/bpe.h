// Byte-pair encoding of one pre-token: starting from single bytes, the best-ranked neighbouring pair is
// merged until none is left (Sennrich et al., arXiv 1508.07909). A heap over a linked list: O(n log n) in the
// length of the piece.
#pragma once

#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cohort {

struct TokenizerSpec;

// Immutable but for a cache of short pieces, which is guarded; safe to use from several threads.
class Bpe {
 public:
  // `bytes[id]` is what a token of spec.vocab stands for.
  Bpe(const TokenizerSpec& spec, const std::vector<std::string>& bytes);

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
  };

  // Appends the ids of `piece`. A byte without a token becomes the unknown token, or nothing where there is
  // none.
  void encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  struct Merge {
    uint64_t pair = ~uint64_t{0};  // left << 32 | right; all ones: an empty slot
    uint32_t rank = 0;
    int32_t merged = 0;
  };
  const Merge* find(int32_t left, int32_t right) const;
  void merge(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;

  int32_t byte_token_[256];
  int32_t unk_ = -1;
  bool fuse_unk_ = false;
  std::vector<Merge> merges_;  // open addressing, a power of two, at most half full
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> whole_;  // all tokens, with ignore_merges

  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> cache_;
};

}  // namespace cohort
