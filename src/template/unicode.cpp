#include "template/unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace cohort::jinja {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool cased(char32_t c) { return is_lower(c) || is_upper(c) || is_title(c); }

// Characters whose upper case is several (Unicode's SpecialCasing, the Latin ones).
std::u32string_view special_upper(char32_t c) {
  switch (c) {
    case 0xDF:
      return U"SS";
    case 0x149:
      return U"\u02BCN";
    case 0x1F0:
      return U"J\u030C";
    case 0x587:
      return U"\u0535\u0552";
    case 0x1E96:
      return U"H\u0331";
    case 0x1E97:
      return U"T\u0308";
    case 0x1E98:
      return U"W\u030A";
    case 0x1E99:
      return U"Y\u030A";
    case 0x1E9A:
      return U"A\u02BE";
    case 0xFB00:
      return U"FF";
    case 0xFB01:
      return U"FI";
    case 0xFB02:
      return U"FL";
    case 0xFB03:
      return U"FFI";
    case 0xFB04:
      return U"FFL";
    case 0xFB05:
    case 0xFB06:
      return U"ST";
    default:
      return {};
  }
}

void append_upper(std::u32string& out, char32_t c) {
  if (const auto several = special_upper(c); !several.empty())
    out += several;
  else
    out += static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
}

void append_title(std::u32string& out, char32_t c) {
  if (const auto several = special_upper(c); !several.empty()) {
    out += several[0];
    for (const char32_t rest : several.substr(1))
      out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(rest)));
  } else {
    out += static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c)));
  }
}

bool ignorable(char32_t c) {  // between letters, for the final sigma
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF ||
         k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' || c == ':' ||
         c == 0xB7 || c == 0x2019;
}

void append_lower(std::u32string& out, const std::u32string& text, size_t i) {
  const char32_t c = text[i];
  if (c == 0x130) {
    out += U"i\u0307";
  } else if (c == 0x3A3) {  // a sigma that ends a word
    size_t before = i, after = i + 1;
    while (before > 0 && ignorable(text[before - 1])) --before;
    while (after < text.size() && ignorable(text[after])) ++after;
    const bool last = before > 0 && cased(text[before - 1]) && !(after < text.size() && cased(text[after]));
    out += last ? char32_t{0x3C2} : char32_t{0x3C3};
  } else {
    out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char upper_byte(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char lower_byte(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alpha(char32_t c) {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT ||
         k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_LO;
}
bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t c) {
  return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) || (c >= 0x2460 && c <= 0x2468);
}
bool is_numeric(char32_t c) {
  const auto k = category(c);
  constexpr std::u32string_view han =
      U"\u3007\u4E00\u4E8C\u4E09\u56DB\u4E94\u516D\u4E03\u516B\u4E5D\u5341\u767E\u5343\u4E07\u5104";
  return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO ||
         han.find(c) != han.npos;
}
bool is_lower(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA || (c >= 0x24D0 && c <= 0x24E9) ||
         (c >= 0x2170 && c <= 0x217F);
}
bool is_upper(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU || (c >= 0x24B6 && c <= 0x24CF) || (c >= 0x2160 && c <= 0x216F);
}
bool is_title(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LT; }

bool is_identifier(std::string_view text) {
  if (text.empty()) return false;
  bool first = true;
  for (const char32_t c : decode(text)) {
    const auto k = category(c);
    const bool start = c == '_' || is_alpha(c) || k == UTF8PROC_CATEGORY_NL;
    if (!start && (first || !(is_decimal(c) || k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_MC ||
                              k == UTF8PROC_CATEGORY_PC)))
      return false;
    first = false;
  }
  return true;
}

std::u32string decode(std::string_view text) {
  spend_bytes(text.size());
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = next_utf8(text);
    out += c.code;
    text.remove_prefix(c.size);
  }
  return out;
}

std::string encode(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

std::string upper(std::string_view text) {
  if (is_ascii(text)) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), upper_byte);
    return out;
  }
  std::u32string out;
  for (const char32_t c : decode(text)) append_upper(out, c);
  return encode(out);
}

std::string lower(std::string_view text) {
  if (is_ascii(text)) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower_byte);
    return out;
  }
  const std::u32string from = decode(text);
  std::u32string out;
  for (size_t i = 0; i < from.size(); ++i) append_lower(out, from, i);
  return encode(out);
}

std::string capitalize(std::string_view text) {
  const std::u32string from = decode(text);
  std::u32string out;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i == 0)
      append_title(out, from[i]);
    else
      append_lower(out, from, i);
  }
  return encode(out);
}

std::string title(std::string_view text) {
  const std::u32string from = decode(text);
  std::u32string out;
  bool inside = false;
  for (size_t i = 0; i < from.size(); ++i) {
    if (inside)
      append_lower(out, from, i);
    else
      append_title(out, from[i]);
    inside = cased(from[i]);
  }
  return encode(out);
}

std::string casefold(std::string_view text) {
  std::u32string out;
  for (const char32_t c : decode(text)) {
    utf8proc_int32_t folded[8];
    int boundary = 0;
    const auto n =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), folded, 8, UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(n, 8); ++i)
      out += static_cast<char32_t>(folded[i]);
  }
  return encode(out);
}

std::string swapcase(std::string_view text) {
  const std::u32string from = decode(text);
  std::u32string out;
  for (size_t i = 0; i < from.size(); ++i) {
    if (is_upper(from[i]))
      append_lower(out, from, i);
    else if (is_lower(from[i]))
      append_upper(out, from[i]);
    else
      out += from[i];
  }
  return encode(out);
}

std::string_view strip(std::string_view text, std::optional<std::string_view> set, bool left, bool right) {
  const std::u32string among = set ? decode(*set) : std::u32string();
  const size_t before = text.size();
  if (set) spend(steps_for_bytes(set->size()) * steps_for_bytes(text.size()));
  const auto goes = [&](char32_t c) { return set ? among.find(c) != among.npos : is_space(c); };
  while (left && !text.empty()) {
    const Utf8Char c = next_utf8(text);
    if (!goes(c.code)) break;
    text.remove_prefix(c.size);
  }
  while (right && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) --start;
    if (!goes(next_utf8(text.substr(start)).code)) break;
    text = text.substr(0, start);
  }
  if (!set) spend_bytes(before - text.size());
  return text;
}

size_t byte_of(const Text& text, int64_t index) {
  const int64_t length = characters(text);
  if (length == static_cast<int64_t>(text.bytes.size())) return static_cast<size_t>(index);
  if (index >= length) return text.bytes.size();
  spend(steps_for_bytes(static_cast<uint64_t>(index)));
  size_t byte = 0;
  for (int64_t seen = 0;; ++byte) {
    if ((text.bytes[byte] & 0xC0) == 0x80) continue;
    if (seen++ == index) return byte;
  }
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep) {
  spend_bytes(text.size());
  std::vector<std::string_view> lines;
  size_t begin = 0, i = 0;
  while (i < text.size()) {
    const Utf8Char c = next_utf8(text.substr(i));
    size_t end = i + c.size;
    const bool ends = (c.code >= 10 && c.code <= 13) || (c.code >= 28 && c.code <= 30) || c.code == 0x85 ||
                      c.code == 0x2028 || c.code == 0x2029;
    if (ends) {
      if (c.code == '\r' && end < text.size() && text[end] == '\n') ++end;
      lines.push_back(text.substr(begin, (keep ? end : i) - begin));
      begin = end;
    }
    i = end;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

}  // namespace cohort::jinja
