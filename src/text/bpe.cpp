#include "text/bpe.h"

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/characters.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

constexpr size_t kCachedPiece = 48;        // longest piece that the cache takes, in bytes
constexpr size_t kCacheEntries = 1 << 16;  // when full, new pieces are merged each time
constexpr size_t kNear = 0x10000;

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

size_t slot_of(uint64_t pair, size_t mask) { return (pair * 0x9E3779B97F4A7C15u >> 24) & mask; }

// Where a run of U+2581 begins after something else, at or after `from`; the end where none does.
size_t next_word(std::string_view text, size_t from) {
  for (;; from += kMetaspace.size()) {
    from = text.find(kMetaspace, from);
    if (from == std::string_view::npos) return text.size();
    if (from > 0 && !text.substr(0, from).ends_with(kMetaspace)) return from;
  }
}

}  // namespace

Bpe::Bpe(const TokenizerSpec& spec)
    : byte_level_(spec.byte_level()), fuse_unk_(spec.fuse_unk), byte_fallback_(spec.byte_fallback) {
  std::fill(std::begin(byte_token_), std::end(byte_token_), -1);
  if (!byte_level_) near_characters_.assign(kNear, -1);
  const auto add = [&](std::string_view token, int32_t id) {
    if (spec.ignore_merges) pieces_.emplace(token, id);
    if (byte_level_) {
      if (token.size() == 1) byte_token_[static_cast<uint8_t>(token[0])] = id;
      return;
    }
    const Utf8Char c = next_utf8(token);
    if (c.size != token.size()) return;
    if (c.code < kNear) {
      near_characters_[c.code] = id;
    } else {
      far_characters_[c.code] = id;
    }
  };
  for (size_t i = 0; i < spec.vocab.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const std::string& token = spec.vocab[i];
    if (!spec.unk_token.empty() && token == spec.unk_token) unk_ = id;
    if (token.empty()) continue;
    if (!byte_level_) {
      add(token, id);
    } else if (const auto bytes = from_byte_level(token)) {  // else no text of bytes spells it
      add(*bytes, id);
    }
  }
  if (byte_fallback_) {
    std::unordered_map<std::string_view, int32_t> ids;
    for (size_t id = 0; id < spec.vocab.size(); ++id) ids.emplace(spec.vocab[id], static_cast<int32_t>(id));
    for (int byte = 0; byte < 256; ++byte) {
      const auto token = ids.find(fmt::format("<0x{:02X}>", byte));
      if (token != ids.end()) byte_token_[byte] = token->second;
    }
  }
  std::vector<std::pair<std::string_view, int32_t>> whole;
  for (const int32_t id : spec.whole) whole.emplace_back(spec.vocab[static_cast<size_t>(id)], id);
  whole_ = Trie(std::move(whole));
  if (!spec.unused.empty()) {
    unused_.resize(spec.vocab.size());
    for (const int32_t id : spec.unused) unused_[static_cast<size_t>(id)] = 1;
  }

  size_t slots = 16;
  while (slots < 2 * spec.merges.size()) slots *= 2;
  merges_.resize(slots);
  words_ = !byte_level_ && !spec.ignore_merges && character_token(0x2581) >= 0;
  for (const int32_t id : spec.whole) {
    const std::string& token = spec.vocab[static_cast<size_t>(id)];
    if (next_word(token, 1) != token.size()) words_ = false;
  }
  for (const Merge& m : spec.merges) {
    const uint64_t pair = pair_of(m.left, m.right);
    size_t slot = slot_of(pair, slots - 1);
    while (merges_[slot].pair != pair && merges_[slot].pair != ~uint64_t{0}) slot = (slot + 1) & (slots - 1);
    merges_[slot] = {pair, m.rank, m.merged};  // a repeated pair keeps its last rank
    if (spec.vocab[static_cast<size_t>(m.right)].starts_with(kMetaspace) &&
        !spec.vocab[static_cast<size_t>(m.left)].ends_with(kMetaspace))
      words_ = false;
  }
}

const Bpe::Slot* Bpe::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  const size_t mask = merges_.size() - 1;
  for (size_t slot = slot_of(pair, mask);; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == pair) return &merges_[slot];
    if (merges_[slot].pair == ~uint64_t{0}) return nullptr;
  }
}

int32_t Bpe::character_token(char32_t code) const {
  if (code < kNear) return near_characters_[code];
  const auto found = far_characters_.find(code);
  return found == far_characters_.end() ? -1 : found->second;
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (!words_) return encode_word(piece, scratch, ids);
  for (size_t begin = 0; begin < piece.size();) {
    const size_t end = next_word(piece, begin + 1);
    encode_word(piece.substr(begin, end - begin), scratch, ids);
    begin = end;
  }
}

void Bpe::encode_word(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (!pieces_.empty()) {
    if (const auto token = pieces_.find(piece); token != pieces_.end()) {
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

// In Hugging Face tokenizers' order: an unknown character is held back until a known one or another unknown
// one comes, and the bytes of a character that has byte tokens do not wait for it.
void Bpe::make_symbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const {
  const auto push = [&](int32_t id) {
    const auto at = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at - 1, at + 1});
  };
  bool unknown = false;  // one is held back
  const auto take = [&](int32_t id) {
    if (unknown) push(unk_);
    unknown = false;
    push(id);
  };
  const auto miss = [&] {
    if (unk_ < 0) return;
    if (unknown && !fuse_unk_) push(unk_);
    unknown = true;
  };
  if (byte_level_) {
    for (const char c : piece) {
      const int32_t id = byte_token_[static_cast<uint8_t>(c)];
      if (id >= 0) {
        take(id);
      } else {
        miss();
      }
    }
  } else {
    for (size_t at = 0; at < piece.size();) {
      size_t size = 0;
      int32_t id = whole_.longest(piece.substr(at), size);
      if (id < 0) {
        const Utf8Char c = next_utf8(piece.substr(at));
        size = c.size;
        id = character_token(c.code);
      }
      const std::string_view text = piece.substr(at, size);
      at += size;
      const auto token_of = [&](char c) { return byte_token_[static_cast<uint8_t>(c)]; };
      if (id >= 0) {
        take(id);
      } else if (byte_fallback_ &&
                 std::all_of(text.begin(), text.end(), [&](char c) { return token_of(c) >= 0; })) {
        for (const char c : text) push(token_of(c));
      } else {
        miss();
      }
    }
  }
  if (unknown) push(unk_);
  if (!symbols.empty()) symbols.back().next = -1;
}

void Bpe::append(int32_t id, const Scratch& scratch, std::vector<int32_t>& ids) const {
  if (!unused_.empty() && unused_[static_cast<size_t>(id)]) {
    if (const auto found = scratch.parts.find(id); found != scratch.parts.end()) {
      append(found->second.first, scratch, ids);
      append(found->second.second, scratch, ids);
      return;
    }
  }
  ids.push_back(id);
}

// Each heap entry is a pair of neighbours as it was when found; one whose symbols have changed since is
// skipped. A merge makes at most two new entries, so there are fewer than 3n in all.
void Bpe::merge(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  COHORT_CHECK(piece.size() < size_t{1} << 31, "a piece of {} bytes", piece.size());
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  scratch.parts.clear();
  make_symbols(piece, symbols);
  if (symbols.empty()) return;

  const auto later = [](const Scratch::Candidate& a, const Scratch::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto candidate = [&](int32_t at, bool in_order) {
    if (at < 0 || symbols[at].next < 0) return;
    const int32_t left = symbols[at].id, right = symbols[symbols[at].next].id;
    if (const Slot* slot = find(left, right)) {
      heap.push_back({slot->rank, at, left, right});
      if (in_order) std::push_heap(heap.begin(), heap.end(), later);
      ++scratch.pushes;
      if (!unused_.empty() && unused_[static_cast<size_t>(slot->merged)])
        scratch.parts[slot->merged] = {left, right};
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
  for (int32_t at = 0; at >= 0; at = symbols[at].next) append(symbols[at].id, scratch, ids);
}

}  // namespace cohort
