// Which rows are there already: deduplication by what a row asks, or by all that it says.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

// What makes a row another one. prompt: its prompt (text, ids, or the messages that ask; tools beside them count). content: that, and its
// completion, or what is chosen and rejected. A row that has none of these goes by all its fields.
enum class RowKey { prompt, content };
std::string key_of(const nlohmann::json& row, RowKey key);

// 128 bits of a text: FNV-1a. Two different texts among a billion meet with a probability of 2^-69, so equal hashes are taken for equal
// texts (who makes his own rows collide loses his own rows).
struct TextHash128 {
  uint64_t high, low;
  bool operator==(const TextHash128&) const = default;
};
TextHash128 text_hash_128(std::string_view text);

// A set of such hashes: 16 bytes for each of at least half as many again.
class DistinctTexts {
 public:
  bool insert(TextHash128 hash);  // false: it is there
  int64_t size() const { return size_; }

 private:
  bool place(TextHash128 hash);
  std::vector<TextHash128> slots_;  // all zero: free
  int64_t size_ = 0;
};

}  // namespace cohort
