#include "text/bpe.h"

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "text/byte_level.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

constexpr size_t kCachedPiece = 48;        // longest piece that the cache takes, in bytes
constexpr size_t kCacheEntries = 1 << 16;  // when full, new pieces are merged each time

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

size_t slot_of(uint64_t pair, size_t mask) { return (pair * 0x9E3779B97F4A7C15u >> 24) & mask; }

}  // namespace

Bpe::Bpe(const TokenizerSpec& spec, const std::vector<std::string>& bytes) : fuse_unk_(spec.fuse_unk) {
  std::fill(std::begin(byte_token_), std::end(byte_token_), -1);
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (!spec.unk_token.empty() && spec.vocab[id] == spec.unk_token) unk_ = static_cast<int32_t>(id);
    if (!from_byte_level(spec.vocab[id])) continue;  // no text of bytes spells it
    if (bytes[id].size() == 1) byte_token_[static_cast<uint8_t>(bytes[id][0])] = static_cast<int32_t>(id);
    if (spec.ignore_merges) whole_.emplace(bytes[id], static_cast<int32_t>(id));
  }
  size_t slots = 16;
  while (slots < 2 * spec.merges.size()) slots *= 2;
  merges_.resize(slots);
  for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const uint64_t pair = pair_of(spec.merges[rank].first, spec.merges[rank].second);
    size_t slot = slot_of(pair, slots - 1);
    while (merges_[slot].pair != pair && merges_[slot].pair != ~uint64_t{0}) slot = (slot + 1) & (slots - 1);
    merges_[slot] = {pair, static_cast<uint32_t>(rank),
                     spec.merged[rank]};  // a repeated pair keeps its last rank
  }
}

const Bpe::Merge* Bpe::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  const size_t mask = merges_.size() - 1;
  for (size_t slot = slot_of(pair, mask);; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == pair) return &merges_[slot];
    if (merges_[slot].pair == ~uint64_t{0}) return nullptr;
  }
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (!whole_.empty()) {
    if (const auto token = whole_.find(piece); token != whole_.end()) {
      ids.push_back(token->second);
      return;
    }
  }
  if (piece.size() > kCachedPiece) return merge(piece, scratch, ids);
  {
    std::shared_lock lock(mutex_);
    if (const auto found = cache_.find(piece); found != cache_.end()) {
      ids.insert(ids.end(), found->second.begin(), found->second.end());
      return;
    }
  }
  const size_t before = ids.size();
  merge(piece, scratch, ids);
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock && cache_.size() < kCacheEntries) {
    cache_.emplace(piece, std::vector<int32_t>(ids.begin() + static_cast<ptrdiff_t>(before), ids.end()));
  }
}

// Each heap entry is a pair of neighbours as it was when found; one whose symbols have changed since is
// skipped. A merge makes at most two new entries, so there are fewer than 3n in all.
void Bpe::merge(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  COHORT_CHECK(piece.size() < size_t{1} << 31, "a piece of {} bytes", piece.size());
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  for (const char c : piece) {
    int32_t id = byte_token_[static_cast<uint8_t>(c)];
    if (id < 0) {
      id = unk_;
      if (id < 0 || (fuse_unk_ && !symbols.empty() && symbols.back().id == unk_)) continue;
    }
    const int32_t at = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at - 1, at + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;

  const auto later = [](const Scratch::Candidate& a, const Scratch::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto candidate = [&](int32_t at, bool in_order) {
    if (at < 0 || symbols[at].next < 0) return;
    const int32_t left = symbols[at].id, right = symbols[symbols[at].next].id;
    if (const Merge* merge = find(left, right)) {
      heap.push_back({merge->rank, at, left, right});
      if (in_order) std::push_heap(heap.begin(), heap.end(), later);
      ++scratch.pushes;
    }
  };
  for (size_t at = 0; at + 1 < symbols.size(); ++at) candidate(static_cast<int32_t>(at), false);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbols[best.at];
    if (left.id != best.left || left.next < 0 || symbols[left.next].id != best.right) continue;
    Scratch::Symbol& right = symbols[left.next];
    left.id = find(best.left, best.right)->merged;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[left.next].previous = best.at;
    candidate(left.previous, true);
    candidate(best.at, true);
  }
  for (int32_t at = 0; at >= 0; at = symbols[at].next) ids.push_back(symbols[at].id);
}

}  // namespace cohort
