#include "text/byte_level.h"

#include <array>

#include "base/utf8.h"

namespace cohort {
namespace {

// Byte of each character U+0000 .. U+0143, -1 for those outside the alphabet.
std::array<int16_t, 0x144> make_table() {
  std::array<int16_t, 0x144> table;
  table.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table[printable ? byte : next++] = static_cast<int16_t>(byte);
  }
  return table;
}

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  static const std::array<std::string, 256> spelling = [] {
    std::array<std::string, 256> strings;
    const std::array<int16_t, 0x144> table = make_table();
    for (size_t code = 0; code < table.size(); ++code) {
      if (table[code] >= 0)
        append_utf8(strings[static_cast<size_t>(table[code])], static_cast<char32_t>(code));
    }
    return strings;
  }();
  std::string out;
  for (const char c : bytes) out += spelling[static_cast<uint8_t>(c)];
  return out;
}

std::optional<std::string> from_byte_level(std::string_view token) {
  static const std::array<int16_t, 0x144> table = make_table();
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const Utf8Char c = next_utf8(token.substr(at));
    if (!c.valid || c.code >= table.size() || table[c.code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(table[c.code]));
    at += c.size;
  }
  return bytes;
}

}  // namespace cohort
