#include "web/html.h"

#include <cstdint>

namespace cohort {
namespace {

// Length of the valid UTF-8 character that `bytes` begins with (no surrogates, nothing overlong, at most
// U+10FFFF); 0: none.
size_t utf8_length(std::string_view bytes) {
  const auto at = [&](size_t i) { return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0; };
  const auto follows = [&](size_t i) { return (at(i) & 0xC0) == 0x80; };
  const uint8_t b = static_cast<uint8_t>(bytes[0]);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return follows(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    const bool second = follows(1) && !(b == 0xE0 && at(1) < 0xA0) && !(b == 0xED && at(1) > 0x9F);
    return second && follows(2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    const bool second = follows(1) && !(b == 0xF0 && at(1) < 0x90) && !(b == 0xF4 && at(1) > 0x8F);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string html_text(std::string_view bytes) {
  constexpr const char* kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  while (!bytes.empty()) {
    const size_t length = utf8_length(bytes);
    const uint8_t c = static_cast<uint8_t>(bytes[0]);
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      out += kReplacement;
    } else if (length > 1) {
      out += bytes.substr(0, length);
    } else {
      switch (c) {
        case '&':
          out += "&amp;";
          break;
        case '<':
          out += "&lt;";
          break;
        case '>':
          out += "&gt;";
          break;
        case '"':
          out += "&quot;";
          break;
        case '\'':
          out += "&#39;";
          break;
        default:
          out += static_cast<char>(c);
      }
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace cohort
