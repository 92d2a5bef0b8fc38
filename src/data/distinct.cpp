#include "data/distinct.h"

#include <nlohmann/json.hpp>
#include <span>

#include "base/json.h"

namespace cohort {

std::string key_of(const nlohmann::json& fields, RowKey key) {
  static constexpr const char* kFields[] = {"prompt", "prompt_ids", "messages", "tools", "completion", "completion_ids",
                                            "completions", "chosen", "rejected"};
  nlohmann::json found = nlohmann::json::object();
  for (const char* name : std::span(kFields).first(key == RowKey::prompt ? 4 : std::size(kFields)))
    if (const auto field = fields.find(name); field != fields.end() && !field->is_null()) found[name] = *field;
  if (found.empty()) return dump_json(fields);
  if (key == RowKey::prompt && found.contains("messages")) {
    nlohmann::json& messages = found["messages"];
    if (found.contains("prompt"))
      found.erase("messages");
    else if (messages.is_array() && !messages.empty() && messages.back().is_object() &&
             messages.back().value("role", nlohmann::json()) == "assistant")
      messages.erase(messages.size() - 1);  // the answer
  }
  return dump_json(found);
}

TextHash128 text_hash_128(std::string_view text) {
  using Wide = unsigned __int128;
  constexpr Wide kPrime = (Wide{1} << 88) + 0x13B, kBasis = (Wide{0x6C62272E07BB0142u} << 64) + 0x62B821756295C58Du;
  Wide hash = kBasis;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return {static_cast<uint64_t>(hash >> 64), static_cast<uint64_t>(hash)};
}

bool DistinctTexts::place(TextHash128 hash) {
  const size_t mask = slots_.size() - 1;
  for (size_t i = (hash.low ^ hash.high) & mask;; i = (i + 1) & mask) {
    if (slots_[i] == hash) return false;
    if (slots_[i] == TextHash128{0, 0}) {
      slots_[i] = hash;
      return true;
    }
  }
}

bool DistinctTexts::insert(TextHash128 hash) {
  if (hash == TextHash128{0, 0}) hash.low = 1;
  if (static_cast<size_t>(size_ + 1) * 3 > slots_.size() * 2) {
    std::vector<TextHash128> old(std::max<size_t>(64, 2 * slots_.size()));
    old.swap(slots_);
    for (const TextHash128& kept : old)
      if (kept != TextHash128{0, 0}) place(kept);
  }
  const bool fresh = place(hash);
  size_ += fresh;
  return fresh;
}

}  // namespace cohort
