#include "math/ascii.h"
#include "math/equal.h"
#include "math/names.h"

namespace cohort::math {
namespace {

// Commands that change how a formula looks and never what it means.
bool is_layout(std::string_view name) {
  for (const std::string_view s :
       {"left",   "right", "mleft", "mright", "big",    "Big",   "bigg",         "Bigg",
        "bigl",   "bigr",  "Bigl",  "Bigr",   "biggl",  "biggr", "displaystyle", "textstyle",
        "mathbf", "bf",    "rm",    "it",     "mathit", "space", "boxed",        "fbox"})
    if (name == s) return true;
  return false;
}

}  // namespace

std::string plain_words(std::string_view text) {
  std::string out;
  bool space = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\') {  // a command
      while (i + 1 < text.size() && ((text[i + 1] | 32) >= 'a' && (text[i + 1] | 32) <= 'z')) ++i;
      space = true;
      continue;
    }
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool mark = std::string_view(" \t\n\r~$\\.,;:!?\"'`*_{}()[]-").find(c) != std::string_view::npos;
    if (mark) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

std::string comparable_text(std::string_view text) {
  std::string words, written;
  bool only_words = true, space = false;
  const auto put = [&](char c) {
    if (space && !words.empty()) words += ' ';
    space = false;
    words += lower(c);
    written += c;
  };
  const auto letters_from = [&](size_t i) {
    size_t n = 0;
    while (i + n < text.size() && letter(text[i + n])) ++n;
    return n;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const size_t n = letters_from(i + 1);
      if (n == 0) {  // \, \; \$ \( and the like; \{ \} \| \% have a meaning
        if (++i < text.size() && std::string_view("{}|%\\").find(text[i]) != npos) {
          only_words = only_words && text[i] == '\\';
          (written += '\\') += text[i];
        }
        space = true;
        continue;
      }
      const std::string_view name = text.substr(i + 1, n);
      const Name known = command_name(name);
      const bool layout = known.role == Role::words || known.role == Role::wide_space || is_layout(name) ||
                          (known.role == Role::upright && name != "mathbb");
      i += n;
      space = true;
      if (layout) continue;
      only_words = false;
      written += '\\';
      written += known.role == Role::special || known.role == Role::sign || known.role == Role::letter
                     ? known.means
                     : name;
      written += ' ';
      continue;
    }
    const char before = i > 0 ? text[i - 1] : ' ', after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (c == '-' && letter(before) && letter(after)) {  // a hyphen is none between two single letters
      const bool word = letters_from(i + 1) > 1 || (i > 1 && letter(text[i - 2]));
      if (!word) only_words = false;
      written += c;
      space = true;
    } else if (std::string_view(".,").find(c) != npos && digit(before) && digit(after)) {
      put(c);
    } else if (std::string_view(" \t\n\r~$").find(c) != npos) {
      space = true;
    } else if (std::string_view(".,;:!?\"'`*{}").find(c) != npos) {
      space = true;
      written += c;
    } else {
      if (std::string_view("-+=<>/^|&%").find(c) != npos) only_words = false;
      put(c);
    }
  }
  if (only_words) {
    while (words.size() > 2 && (words[0] == '(' || words[0] == '_') &&
           words.find_first_of("()_", 1) == words.size() - 1)
      words = words.substr(1, words.size() - 2);
    return words;
  }
  while (written.ends_with('.') || written.ends_with(',')) written.pop_back();
  return written;
}

}  // namespace cohort::math
