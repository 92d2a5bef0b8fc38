#include "text/charsmap.h"

#include <algorithm>

#include "base/check.h"

namespace cohort {
namespace {

constexpr size_t kLongestSpelling = 1024;  // bytes; Unicode's own longest is 54

// A unit of the array: a node's label and the way to its children, or a value.
bool has_value(uint32_t unit) { return unit >> 8 & 1; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset_of(uint32_t unit) { return unit >> 10 << ((unit & 0x200) >> 6); }

uint32_t little_endian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[i])} << 8 * i;
  return value;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& where) {
  if (bytes.empty()) return;
  if (bytes.size() < 4) fail("{}: expected a charsmap of at least 4 bytes, found {}", where, bytes.size());
  const size_t size = little_endian(bytes.data());
  if (size % 4 != 0 || size > bytes.size() - 4 || size == 0) {
    fail("{}: the charsmap's trie takes {} bytes of {}; expected a multiple of 4 that fits", where, size,
         bytes.size() - 4);
  }
  for (size_t at = 4; at < 4 + size; at += 4) units_.push_back(little_endian(bytes.data() + at));
  spellings_ = bytes.substr(4 + size);
}

std::optional<std::string_view> Charsmap::find(std::string_view text, Match match, size_t& length) const {
  if (units_.empty()) return std::nullopt;
  std::optional<uint32_t> found;
  size_t node = offset_of(units_[0]);
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<uint8_t>(text[at]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (node >= units_.size()) break;
    found = value_of(units_[node]);
    length = at + 1;
    if (match == Match::shortest) break;
  }
  if (!found || *found > spellings_.size()) return std::nullopt;
  const std::string_view rest = std::string_view(spellings_).substr(*found);
  const size_t end = std::min(rest.find('\0'), rest.size());
  if (end > kLongestSpelling) return std::nullopt;
  return rest.substr(0, end);
}

}  // namespace cohort
