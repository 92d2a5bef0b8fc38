#include "text/regex_translate.h"

#include <vector>

#include "base/check.h"
#include "text/unicode_additions.h"

namespace cohort {
namespace {

// Each is the inside of a class. White_Space of Unicode: PCRE2's own \s has U+180E besides. \w is Unicode's
// inside a class; outside one Oniguruma takes the superscripts and fractions of Latin-1 too.
constexpr std::string_view kSpaces = R"(\t-\r\x20\x{85}\p{Z})";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kLatinWord = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kDecimal = R"(\p{Nd})";
constexpr std::string_view kHex = "0-9a-fA-F";

// The characters that a newer Unicode adds to \p{name}.
std::string additions(std::string_view name) {
  std::string out;
  for (const UnicodeAddition& row : unicode_additions()) {
    if (row.category == name ||
        (name.size() == 1 && row.category.size() == 2 && row.category[0] == name[0]) ||
        (name == "Alphabetic" && (row.category[0] == 'L')))
      out += fmt::format("\\x{{{:X}}}-\\x{{{:X}}}", row.first, row.last);
  }
  return out;
}

struct Translator {
  std::string_view pattern;
  std::string_view where;
  size_t at = 0;
  int depth = 0;

  [[noreturn]] void refuse(std::string_view what) const {
    fail("{}: {} in the pattern is not supported: {}", where, what, pattern);
  }
  bool more() const { return at < pattern.size(); }
  char peek(size_t ahead = 0) const { return at + ahead < pattern.size() ? pattern[at + ahead] : '\0'; }

  static std::string widened(std::string_view members) {
    std::string out;
    for (size_t i = 0; i < members.size();) {
      if (members.substr(i).starts_with("\\p{")) {
        const size_t close = members.find('}', i);
        out += members.substr(i, close + 1 - i);
        out += additions(members.substr(i + 3, close - i - 3));
        i = close + 1;
      } else {
        out += members[i++];
      }
    }
    return out;
  }

  // A class such as \s or \p{L}, at a backslash: its members and whether it is their complement.
  struct Class {
    std::string members;
    bool negated = false;
  };
  bool class_escape(Class& found, bool in_class) {
    const char c = peek(1);
    const std::pair<char, std::string_view> shorthands[] = {
        {'s', kSpaces}, {'w', kWord}, {'d', kDecimal}, {'h', kHex}};
    for (const auto& [letter, members] : shorthands) {
      if (c != letter && c != letter - 'a' + 'A') continue;
      at += 2;
      found = {widened(members), c != letter};
      if (letter == 'w' && !in_class) found.members += kLatinWord;
      return true;
    }
    if ((c != 'p' && c != 'P') || peek(2) != '{') return false;
    const size_t close = pattern.find('}', at);
    if (close == std::string_view::npos) refuse("an unclosed brace");
    std::string_view name = pattern.substr(at + 3, close - at - 3);
    bool negated = c == 'P';
    if (name.starts_with('^')) name.remove_prefix(1), negated = !negated;
    // A script's name means the script's extensions to PCRE2, but not to Oniguruma.
    found.members = fmt::format("\\p{{{}{}}}", name == "Han" ? "sc:" : "", name) + additions(name);
    found.negated = negated;
    at = close + 1;
    return true;
  }

  // A pattern for one character: the class at `[`.
  std::string one_of() {
    if (++depth > 20) refuse("a class nested more than 20 deep");
    ++at;
    const bool negated = peek() == '^';
    if (negated) ++at;
    std::vector<std::string> both;    // operands of && so far
    std::string plain;                // members that a class of PCRE2 can hold
    std::vector<std::string> others;  // patterns for one character beside them
    const auto operand = [&] {
      std::string out = others.empty() ? fmt::format("[{}]", plain) : "(?:";
      if (!others.empty()) {
        if (!plain.empty()) others.push_back(fmt::format("[{}]", plain));
        out += fmt::format("{})", fmt::join(others, "|"));
      } else if (plain.empty()) {
        refuse("an empty class");
      }
      plain.clear();
      others.clear();
      return out;
    };
    for (bool first = true;; first = false) {
      if (!more()) refuse("an unclosed class");
      const char c = peek();
      if (c == ']' && !first) break;
      if (c == '[') {
        if (peek(1) == ':') refuse("a POSIX class");
        others.push_back(one_of());
      } else if (c == '&' && peek(1) == '&') {
        both.push_back(operand());
        at += 2;
      } else if (c == '\\' && at + 1 < pattern.size()) {
        Class found;
        if (class_escape(found, true)) {
          if (found.negated) {
            others.push_back(fmt::format("[^{}]", found.members));
          } else {
            plain += found.members;
          }
        } else {
          escape(plain, true);
        }
      } else {
        plain += c == ']' ? "\\]" : std::string(1, c);
        ++at;
      }
    }
    ++at;
    --depth;
    if (both.empty() && others.empty()) return fmt::format("[{}{}]", negated ? "^" : "", plain);
    std::string last = operand();
    for (const std::string& side : both) last = fmt::format("(?={}){}", side, last);
    return negated ? fmt::format("(?:(?!{})[\\x00-\\x{{10FFFF}}])", last) : fmt::format("(?:{})", last);
  }

  // Any other escape, copied.
  void escape(std::string& out, bool in_class) {
    const char c = peek(1);
    const std::string word = c == 'b' || c == 'B' ? widened(kWord).append(kLatinWord) : "";
    if (c == 'b' && !in_class) {
      out += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", word);
    } else if (c == 'B' && !in_class) {
      out += fmt::format("(?:(?<=[{0}])(?=[{0}])|(?<![{0}])(?![{0}]))", word);
    } else if (c == 'u') {  // \u0041
      if (at + 6 > pattern.size()) refuse("a short \\u");
      out += fmt::format("\\x{{{}}}", pattern.substr(at + 2, 4));
      at += 4;
    } else if (std::string_view("XRKNOygk").find(c) != std::string_view::npos) {
      refuse(fmt::format("\\{}", c));
    } else {
      out += '\\';
      out += c;
      if (c == 'x' && peek(2) == '{') {
        const size_t close = pattern.find('}', at);
        if (close == std::string_view::npos) refuse("an unclosed brace");
        out += pattern.substr(at + 2, close - at - 1);
        at = close - 1;
      }
    }
    at += 2;
  }

  std::string translate() {
    std::string out;
    while (more()) {
      const char c = peek();
      if (c == '\\' && at + 1 < pattern.size()) {
        Class found;
        if (class_escape(found, false)) {
          out += fmt::format("[{}{}]", found.negated ? "^" : "", found.members);
        } else {
          escape(out, false);
        }
      } else if (c == '[') {
        out += one_of();
      } else {
        if (c == '{') {
          const size_t close = pattern.find('}', at);
          if (close != std::string_view::npos && pattern.substr(close + 1, 1) == "+")
            refuse("a possessive interval");
        }
        out += c;
        ++at;
      }
    }
    return out;
  }
};

}  // namespace

std::string translate_regex(std::string_view pattern, std::string_view where) {
  return Translator{pattern, where}.translate();
}

}  // namespace cohort
