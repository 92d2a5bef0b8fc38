#include "math/unicode.h"

#include <algorithm>

#include "math/lexer_class.h"

namespace cohort::math {
namespace {

struct Raised {
  char32_t value;
  char plain;
};
constexpr Raised kSuperscripts[] = {{U'⁰', '0'}, {U'¹', '1'}, {U'²', '2'}, {U'³', '3'}, {U'⁴', '4'},
                                    {U'⁵', '5'}, {U'⁶', '6'}, {U'⁷', '7'}, {U'⁸', '8'}, {U'⁹', '9'},
                                    {U'⁺', '+'}, {U'⁻', '-'}, {U'⁽', '('}, {U'⁾', ')'}, {U'ⁿ', 'n'},
                                    {U'ˣ', 'x'}, {U'ⁱ', 'i'}};

char superscript(char32_t c) {
  for (const Raised& r : kSuperscripts)
    if (r.value == c) return r.plain;
  return 0;
}
char subscript(char32_t c) {
  static constexpr std::string_view kSigns = "0123456789+-=()";
  return c >= 0x2080 && c <= 0x208E ? kSigns[c - 0x2080] : '\0';
}

// 𝑥, 𝐀, 𝟏: the letters and digits of mathematical alphabets.
char alphabet(char32_t c) {
  if (c >= 0x1D7CE && c <= 0x1D7FF) return static_cast<char>('0' + (c - 0x1D7CE) % 10);
  if (c < 0x1D400 || c > 0x1D6A3) return 0;
  const unsigned n = (c - 0x1D400) % 52;
  return static_cast<char>(n < 26 ? 'A' + n : 'a' + n - 26);
}

std::string_view spelled(char32_t c) {
  switch (c) {
    case 0x2044:
    case 0x2215:
      return "/";
    case U'∛':
      return "\\sqrt[3]";
    case U'∜':
      return "\\sqrt[4]";
    case 0x2217:
      return "*";
    case 0x2032:
      return "'";
    case 0x2126:
      return "\xCE\xA9";
    case 0xB5:
      return "\xCE\xBC";
    case U'⩽':
    case U'≦':
      return "\\le ";
    case U'≧':
      return "\\ge ";
    default:
      return {};
  }
}

// The mark of a repeating decimal above a digit: a line or a dot.
const char* mark_above(char32_t c) {
  return c == 0x305 || c == 0x304 || c == 0x33F ? "\\overline{" : c == 0x307 ? "\\dot{" : nullptr;
}

}  // namespace

std::optional<std::string> plain_unicode(std::string_view text) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return std::nullopt;
  std::string out;
  bool changed = false;
  for (size_t i = 0; i < text.size();) {
    const Decoded c = decode(text.substr(i));
    if (digit(text[i])) {  // 3̅ or 1̅4̅2̅
      const Decoded mark = decode(text.substr(i + 1));
      if (const char* command = mark_above(mark.value)) {
        out += command;
        while (i < text.size() && digit(text[i])) {
          const Decoded next = decode(text.substr(i + 1));
          if (next.value != mark.value) break;
          out += text[i];
          i += 1 + next.length;
          if (mark.value == 0x307) break;
        }
        out += '}';
        changed = true;
        continue;
      }
    }
    const auto run = [&](char (*plain)(char32_t), char sign) {
      if (plain(c.value) == 0) return false;
      (out += sign) += '{';
      while (i < text.size()) {
        const Decoded next = decode(text.substr(i));
        const char p = plain(next.value);
        if (p == 0) break;
        out += p;
        i += next.length;
      }
      out += '}';
      return changed = true;
    };
    if (run(superscript, '^') || run(subscript, '_')) continue;
    if (c.value >= 0xFF01 && c.value <= 0xFF5E && c.length == 3) {
      out += static_cast<char>(c.value - 0xFF01 + '!');
      changed = true;
    } else if (const char p = alphabet(c.value)) {
      out += p;
      changed = true;
    } else if (const std::string_view s = spelled(c.value); !s.empty() && c.length > 1) {
      out += s;
      changed = true;
    } else {
      out += text.substr(i, c.length);
    }
    i += c.length;
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace cohort::math
