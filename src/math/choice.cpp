#include "math/judge.h"

namespace cohort::math {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool choice(char c) { return c >= 'A' && c <= 'J'; }

}  // namespace

std::optional<char> choice_letter(std::string_view text) {
  std::string plain;  // without style: \textbf{(A)} is (A)
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      while (i + 1 < text.size() && letter(text[i + 1])) ++i;
    } else if (std::string_view("{}$ *~\n").find(text[i]) == std::string_view::npos) {
      plain += text[i];
    } else if (text[i] == ' ' && !plain.empty()) {
      plain += ' ';
    }
  }
  while (plain.ends_with(' ') || plain.ends_with('.')) plain.pop_back();
  while (plain.starts_with(' ')) plain.erase(0, 1);
  if (plain.empty()) return std::nullopt;
  if (choice(plain[0]) && plain.size() == 1) return plain[0];
  if (plain.size() >= 3 && plain[0] == '(' && choice(plain[1]) && plain[2] == ')') {
    if (plain.size() == 3 || plain[3] == ' ' || letter(plain[3]) || (plain[3] >= '0' && plain[3] <= '9'))
      return plain[1];
    return std::nullopt;
  }
  if (plain.size() >= 3 && choice(plain[0]) && (plain[1] == '.' || plain[1] == ')' || plain[1] == ':') &&
      plain[2] == ' ')
    return plain[0];
  if (plain.size() == 2 && choice(plain[0]) && plain[1] == ')') return plain[0];
  return std::nullopt;
}

std::optional<char> choice_in_prose(std::string_view text) {
  std::optional<char> last;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!choice(text[i])) continue;
    const auto part = [](char c) {
      return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '\\' || c == '=' || c == '+';
    };
    if (i > 0 && (part(text[i - 1]) || text[i - 1] == '\'')) continue;
    if (i + 1 < text.size() && (part(text[i + 1]) || text[i + 1] == '\'')) continue;
    const bool word_follows = i + 2 < text.size() && text[i + 1] == ' ' && letter(text[i + 2]);
    if ((text[i] == 'A' || text[i] == 'I') && word_follows && text.substr(i + 2).substr(0, 2) != "is")
      continue;
    last = text[i];
  }
  return last;
}

}  // namespace cohort::math
