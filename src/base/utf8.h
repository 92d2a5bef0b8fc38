// UTF-8: walking over bytes that may be invalid, replacing what is, and emitting a byte stream by whole
// characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cohort {

struct Utf8Char {
  char32_t code;  // U+FFFD where the bytes are invalid
  uint8_t
      size;  // bytes taken, 1 to 4; of invalid bytes the longest beginning of a character (as browsers do)
  bool valid;
  bool incomplete;  // invalid only because the text ends inside a character
};

// The first character of `text`, which must not be empty.
Utf8Char next_utf8(std::string_view text);

bool is_valid_utf8(std::string_view text);

// The text with every invalid sequence as U+FFFD, as Python's bytes.decode(errors="replace") and Rust's
// from_utf8_lossy.
std::string replace_invalid_utf8(std::string_view text);

void append_utf8(std::string& text, char32_t code);

// A Unicode normalisation form of valid UTF-8, in time linear in the text but for a sort of each run of
// combining marks.
enum class NormalForm { nfc, nfd, nfkc, nfkd };
std::string normalize(std::string_view text, NormalForm form);

// Bytes in, whole characters out: for showing tokens as they come. Invalid sequences become U+FFFD.
class Utf8Stream {
 public:
  std::string feed(std::string_view bytes);  // everything that is complete now
  std::string finish();                      // U+FFFD if half a character is left, else nothing

 private:
  std::string pending_;  // the beginning of a character, at most 3 bytes
};

}  // namespace cohort
