#include <set>

#include "math/ascii.h"
#include "math/judge.h"

namespace cohort::math {
namespace {

bool choice(char c) { return c >= 'A' && c <= 'J'; }

// Without style: \textbf{(A)} is (A); without "Option" before the letter.
std::string unstyled(std::string_view text) {
  std::string plain;
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
  for (const std::string_view word : {"option ", "choice ", "answer ", "option: ", "choice: ", "answer: "}) {
    std::string low;
    for (const char c : plain.substr(0, word.size())) low += lower(c);
    if (low != word) continue;
    plain.erase(0, word.size());
    break;
  }
  return plain;
}

// Whether the letter at text[i] stands alone: no part of a word, a formula or a name.
bool alone(std::string_view text, size_t i) {
  const auto part = [](char c) {
    return letter(c) || digit(c) || c == '_' || c == '\\' || c == '=' || c == '+' || c == '\'' || c == '-';
  };
  if (!choice(text[i]) || (i > 0 && part(text[i - 1]))) return false;
  size_t next = i + 1;  // "**E**nergy" begins with no choice
  while (next < text.size() && text[next] == '*') ++next;
  if (next > i + 1 && next < text.size() && letter(text[next])) return false;
  return i + 1 >= text.size() || !part(text[i + 1]);
}

// The words before text[at] in small letters, single spaces, without style; "" where a sentence begins.
std::string words_before(std::string_view text, size_t at) {
  std::string out;
  const size_t from = at > 60 ? at - 60 : 0;
  for (size_t i = from; i < at; ++i) {
    const char c = text[i];
    const bool ends = (c == '.' || c == '!' || c == '?' || c == '\n') && i + 1 < text.size();
    if (ends)
      out.clear();
    else if (std::string_view(" *_$({\"").find(c) == std::string_view::npos)
      out += lower(c);
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

bool ends_with_word(std::string_view text, std::string_view word) {
  return text.ends_with(word) && (text.size() == word.size() || !letter(text[text.size() - word.size() - 1]));
}

}  // namespace

std::optional<char> choice_letter(std::string_view text) {
  const std::string plain = unstyled(text);
  if (plain.empty()) return std::nullopt;
  if (choice(plain[0]) && plain.size() == 1) return plain[0];
  if (plain.size() >= 3 && plain[0] == '(' && choice(plain[1]) && plain[2] == ')') {
    for (size_t i = 3; i + 2 < plain.size(); ++i)  // "(A) and (B)"
      if (plain[i] == '(' && choice(plain[i + 1]) && plain[i + 2] == ')') return std::nullopt;
    const std::string_view rest = std::string_view(plain).substr(3);
    if (rest.starts_with(" and ") || rest.starts_with(" or ")) return std::nullopt;
    if (plain.size() == 3 || plain[3] == ' ' || letter(plain[3]) || digit(plain[3])) return plain[1];
    return std::nullopt;
  }
  if (plain.size() >= 3 && choice(plain[0]) && (plain[1] == '.' || plain[1] == ')' || plain[1] == ':') &&
      plain[2] == ' ')
    return plain[0];
  if (plain.size() == 2 && choice(plain[0]) && plain[1] == ')') return plain[0];
  return std::nullopt;
}

std::optional<char> leading_choice(std::string_view sentence) {
  if (const auto c = choice_letter(sentence)) return c;
  const std::string plain = unstyled(sentence);
  if (plain.size() < 2 || !choice(plain[0])) return std::nullopt;
  size_t next = 1;
  while (next < plain.size() && plain[next] == ' ') ++next;
  if (next == plain.size()) return plain[0];
  const std::string_view rest = std::string_view(plain).substr(next);
  if (rest.starts_with('(')) return plain[0];
  for (const std::string_view word : {"because ", "since ", "as "})
    if (rest.starts_with(word)) return plain[0];
  if (plain[1] != ',' && plain[1] != ';') return std::nullopt;
  // "A, C" and "A, B and C" are lists.
  size_t word = 2;
  while (word < plain.size() && plain[word] == ' ') ++word;
  return word < plain.size() && letter(plain[word]) && word + 1 < plain.size() && letter(plain[word + 1])
             ? std::optional(plain[0])
             : std::nullopt;
}

std::optional<char> choice_in_prose(std::string_view text) {
  static constexpr std::string_view kTold[] = {
      "choose",  "select",    "pick",      "chose",     "choosing", "selecting",  "answer",  "answer is",
      "answer:", "choice is", "option is", "one is",    "must be",  "has to be",  "go with", "choice",
      "option",  "is choice", "is option", "should be", "would be", "answer is:", "choice:", "option:"};
  static constexpr std::string_view kMay[] = {
      "because", "since", "so",       "thus", "hence", "therefore", "that", "is",     "be",     "and",
      "only",    "but",   "conclude", "say",  "think", "are",       "",     "answer", "correct"};
  std::optional<char> told;
  std::set<char> seen;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!alone(text, i)) continue;
    const bool word_follows = i + 2 < text.size() && text[i + 1] == ' ' && letter(text[i + 2]);
    const std::string_view after = text.substr(i + 1);
    if ((text[i] == 'A' || text[i] == 'I') && word_follows && !after.starts_with(" is")) {
      // "A" is an article, "I" the writer.
      const bool goes_on = after.starts_with(" over ") || after.starts_with(" because ") ||
                           after.starts_with(" since ") || after.starts_with(" as ");
      if (!goes_on) continue;
    }
    std::string before = words_before(text, i);
    const bool bracket = i > 0 && text[i - 1] == '(' && after.starts_with(')');
    const bool listed = !bracket && (after.starts_with(')') || after.starts_with(':') ||
                                     (after.starts_with('.') && after.size() > 2 && digit(after[2])));
    if (listed) {  // "A) 1 B) 2": the offered options, unless no other is offered
      seen.insert(text[i]);
      continue;
    }
    bool tells = after.starts_with(" it is");
    for (const std::string_view cue : kTold) tells = tells || ends_with_word(before, cue);
    for (const std::string_view cue : {"so", "thus", "hence", "therefore"})
      tells = tells || ((ends_with_word(before, cue) || before.ends_with(std::string(cue) + ",")) &&
                        (after.empty() || after[0] == '.' || after[0] == '!' || after[0] == '*'));
    const bool verb = before.find(" not ") != std::string::npos || before.ends_with(" not") ||
                      before.find("n't ") != std::string::npos || before.find("cannot") != std::string::npos;
    // "option B fails" speaks of a choice and does not make it.
    const bool only_named = ends_with_word(before, "option") || ends_with_word(before, "choice");
    if (only_named && word_follows && !before.ends_with("is option") && !before.ends_with("is choice"))
      tells = false;
    if (tells && !verb) told = text[i];
    bool may = bracket;
    for (const std::string_view word : kMay)
      may = may || (word.empty() ? before.empty() : ends_with_word(before, word));
    if (may || tells) seen.insert(text[i]);
    if (!may && !tells) seen.insert(' ');  // a letter that names something else: nothing is certain
  }
  if (told) return told;
  if (seen.size() == 1 && *seen.begin() != ' ') return *seen.begin();
  return std::nullopt;
}

}  // namespace cohort::math
