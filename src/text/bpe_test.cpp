#include "text/bpe.h"

#include <gtest/gtest.h>

#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

// Letters a and b with merges in the given order, best first.
TokenizerSpec letters(const std::vector<std::pair<std::string_view, std::string_view>>& merges) {
  TokenizerSpec spec;
  spec.vocab = {"a", "b"};
  for (const auto& [left, right] : merges) spec.vocab.push_back(std::string(left) + std::string(right));
  set_merges(spec, merges, "test");
  return spec;
}

// The definition: while there is a pair with a rank, merge the best one, the leftmost of equals.
std::vector<int32_t> plain(const TokenizerSpec& spec, std::string_view piece) {
  std::vector<int32_t> ids;
  for (const char c : piece) ids.push_back(c == 'a' ? 0 : 1);
  for (;;) {
    size_t best = spec.merges.size(), at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best; ++rank) {
        if (spec.merges[rank].left == ids[i] && spec.merges[rank].right == ids[i + 1]) best = rank, at = i;
      }
    }
    if (best == spec.merges.size()) return ids;
    ids[at] = spec.merges[best].merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

// Catches: stale heap entries that are used, ties taken from the right, neighbours lost after a merge.
TEST(Bpe, EqualsTheDefinition) {
  const TokenizerSpec spec = letters({{"a", "a"},
                                      {"b", "a"},
                                      {"aa", "aa"},
                                      {"a", "b"},
                                      {"ba", "ba"},
                                      {"aa", "b"},
                                      {"aaaa", "a"},
                                      {"ba", "aa"},
                                      {"baba", "b"}});
  const Bpe bpe(spec);
  Bpe::Scratch scratch;
  for (int size = 1; size <= 12; ++size) {
    for (int bits = 0; bits < 1 << size; ++bits) {
      std::string piece;
      for (int i = 0; i < size; ++i) piece += bits >> i & 1 ? 'b' : 'a';
      std::vector<int32_t> ids, again;
      bpe.encode(piece, scratch, ids);
      bpe.encode(piece, scratch, again);  // from the cache
      EXPECT_EQ(ids, plain(spec, piece)) << piece;
      EXPECT_EQ(ids, again);
    }
  }
}

// Catches: work that grows faster than n log n on one long piece (heap insertions are counted, not time).
TEST(Bpe, AMegabyteOfOneLetter) {
  const TokenizerSpec spec = letters({{"a", "a"}, {"aa", "aa"}, {"aaaa", "aaaa"}, {"aaaa", "a"}});
  const Bpe bpe(spec);
  Bpe::Scratch scratch;
  std::vector<int32_t> ids;
  const size_t n = 1 << 20;
  bpe.encode(std::string(n, 'a'), scratch, ids);
  EXPECT_EQ(ids, std::vector<int32_t>(n / 8, 4));
  EXPECT_LT(scratch.pushes, static_cast<int64_t>(3 * n));
}

// Catches: unknown bytes that are kept apart or that stop the merging around them.
TEST(Bpe, UnknownBytes) {
  TokenizerSpec spec = letters({{"a", "a"}});
  Bpe::Scratch scratch;
  const auto encode = [&](std::string_view piece) {
    std::vector<int32_t> ids;
    Bpe(spec).encode(piece, scratch, ids);
    return ids;
  };
  EXPECT_EQ(encode("axxa"), (std::vector<int32_t>{2}));  // left out, as Hugging Face tokenizers do
  EXPECT_EQ(encode("x"), (std::vector<int32_t>{}));
  spec.unk_token = "b";
  EXPECT_EQ(encode("axxa"), (std::vector<int32_t>{0, 1, 1, 0}));
  spec.fuse_unk = true;
  EXPECT_EQ(encode("axxa"), (std::vector<int32_t>{0, 1, 0}));
}

}  // namespace
}  // namespace cohort
