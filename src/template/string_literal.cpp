#include "template/string_literal.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace cohort::jinja {
namespace {

// Jinja2 writes what is not ASCII as an escape first, so a backslash before such a character meets the
// escape's own backslash.
std::string ascii_only(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Char c = next_utf8(text);
    const auto code = static_cast<uint32_t>(c.code);
    if (code < 0x80)
      out += static_cast<char>(code);
    else if (code < 0x100)
      out += fmt::format("\\x{:02x}", code);
    else if (code < 0x10000)
      out += fmt::format("\\u{:04x}", code);
    else
      out += fmt::format("\\U{:08x}", code);
    text.remove_prefix(c.size);
  }
  return out;
}

int digit(char c, int base) {
  const int value = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : 99;
  return value < base ? value : -1;
}

}  // namespace

std::optional<std::string> unescape(std::string_view literal) {
  if (literal.find('\\') == literal.npos) return std::string(literal);
  const std::string text = ascii_only(literal);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    static constexpr std::string_view letters = "\\'\"abfnrtv", meant = "\\'\"\a\b\f\n\r\t\v";
    const char c = text[i];
    if (const size_t known = letters.find(c); known != letters.npos) {
      out += meant[known];
    } else if (c == '\n') {  // a line that goes on
    } else if (c >= '0' && c <= '7') {
      uint32_t code = 0;
      size_t n = 0;
      for (; n < 3 && i < text.size() && digit(text[i], 8) >= 0; ++n, ++i)
        code = code * 8 + static_cast<uint32_t>(digit(text[i], 8));
      --i;
      append_utf8(out, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      if (n >= text.size() - i) return std::nullopt;
      uint32_t code = 0;
      for (size_t k = 1; k <= n; ++k) {
        const int d = digit(text[i + k], 16);
        if (d < 0) return std::nullopt;
        code = code * 16 + static_cast<uint32_t>(d);
      }
      if (code > 0x10FFFF) return std::nullopt;
      append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      i += n;
    } else if (c == 'N') {  // characters by their names
      return std::nullopt;
    } else {
      (out += '\\') += c;
    }
  }
  return out;
}

}  // namespace cohort::jinja
