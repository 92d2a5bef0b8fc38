#include "base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace cohort {

// The table of well-formed byte sequences, Unicode standard section 3.9: only the second byte's range depends
// on the first.
Utf8Char next_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true, false};
  const int more = lead >= 0xC2 && lead <= 0xDF   ? 1
                   : lead >= 0xE0 && lead <= 0xEF ? 2
                   : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                  : 0;
  if (more == 0) return {0xFFFD, 1, false, false};
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code = lead & (0x3F >> more);
  for (int i = 1; i <= more; ++i) {
    const uint8_t size = static_cast<uint8_t>(i);
    if (text.size() <= size) return {0xFFFD, size, false, true};
    if (byte(i) < low || byte(i) > high) return {0xFFFD, size, false, false};
    code = code << 6 | (byte(i) & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {code, static_cast<uint8_t>(more + 1), true, false};
}

bool is_valid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (static_cast<uint8_t>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Char c = next_utf8(text.substr(at));
    if (!c.valid) return false;
    at += c.size;
  }
  return true;
}

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)),
        put(0x80 | (code & 0x3F));
  }
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(text.substr(at));
    if (c.valid) {
      result.append(text, at, c.size);
    } else {
      append_utf8(result, 0xFFFD);
    }
    at += c.size;
  }
  return result;
}

// utf8proc's own reordering of combining marks is quadratic in the length of a run; here each run is sorted.
std::string normalize(std::string_view text, NormalForm form) {
  const bool compose = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatibility = form == NormalForm::nfkc || form == NormalForm::nfkd;
  // Below U+0300, whose lead byte is 0xCC, every text is in form C; below U+0080 it is in all of them.
  const uint8_t plain = form == NormalForm::nfc ? 0xCC : 0x80;
  if (std::none_of(text.begin(), text.end(), [&](char c) { return static_cast<uint8_t>(c) >= plain; }))
    return std::string(text);
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = next_utf8(text.substr(at));
    at += c.size;
    utf8proc_int32_t parts[32];
    int boundary = 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(c.code), parts, 32,
        static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0)),
        &boundary);
    COHORT_CHECK(n >= 0 && n <= 32, "U+{:04X}: {}", static_cast<uint32_t>(c.code), n);
    codes.insert(codes.end(), parts, parts + n);
  }
  const auto combining_class = [](utf8proc_int32_t code) {
    return utf8proc_get_property(code)->combining_class;
  };
  for (auto begin = codes.begin(); begin != codes.end();) {
    const auto end = std::find_if(begin, codes.end(), [&](auto code) { return combining_class(code) == 0; });
    if (end - begin > 1) {
      std::stable_sort(begin, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    }
    begin = end == codes.end() ? end : end + 1;
  }
  utf8proc_ssize_t size = static_cast<utf8proc_ssize_t>(codes.size());
  if (compose)
    size = utf8proc_normalize_utf32(codes.data(), size,
                                    static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  COHORT_CHECK(size >= 0, "utf8proc: {}", utf8proc_errmsg(size));
  std::string result;
  result.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < size; ++i) append_utf8(result, static_cast<char32_t>(codes[i]));
  return result;
}

std::string Utf8Stream::feed(std::string_view bytes) {
  pending_ += bytes;
  std::string result;
  size_t at = 0;
  while (at < pending_.size()) {
    const Utf8Char c = next_utf8(std::string_view(pending_).substr(at));
    if (c.incomplete) break;
    append_utf8(result, c.code);
    at += c.size;
  }
  pending_.erase(0, at);
  return result;
}

std::string Utf8Stream::finish() {
  std::string result;
  if (!pending_.empty()) append_utf8(result, 0xFFFD);
  pending_.clear();
  return result;
}

}  // namespace cohort
