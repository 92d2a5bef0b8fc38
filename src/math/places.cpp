#include "math/places.h"

#include <algorithm>
#include <string>

#include "math/ascii.h"
#include "math/extract.h"
#include "math/names.h"

namespace cohort::math {
namespace {

std::string lowered(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = lower(c);
  return out;
}

// The end of the group that opens at text[open] == '{'; npos where it is not closed.
size_t group_end(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '{')
      ++depth;
    else if (text[i] == '}' && --depth == 0)
      return i;
  }
  return npos;
}

// Where the marks stand that end a formula, found in one pass: \], \), $$, $ (not \$).
struct Ends {
  explicit Ends(std::string_view text) {
    for (size_t i = 0; i + 1 < text.size() || (i < text.size() && text[i] == '$'); ++i) {
      if (text[i] == '$') {
        at[3].push_back(i);
        if (i + 1 < text.size() && text[i + 1] == '$') at[2].push_back(i);
      } else if (text[i] == '\\') {
        if (text[i + 1] == ']') at[0].push_back(i);
        if (text[i + 1] == ')') at[1].push_back(i);
        ++i;
      }
    }
  }
  size_t next(int kind, size_t from) const {
    const auto it = std::lower_bound(at[kind].begin(), at[kind].end(), from);
    return it == at[kind].end() ? npos : *it;
  }
  std::vector<size_t> at[4];
};

}  // namespace

std::string_view trimmed(std::string_view s) {
  const size_t a = s.find_first_not_of(" \t\r\n");
  return a == npos ? std::string_view{} : s.substr(a, s.find_last_not_of(" \t\r\n") - a + 1);
}

std::vector<Span> boxes(std::string_view text) {
  std::vector<Span> out;
  size_t budget = 8 * text.size() + 1000;  // bytes looked at, so that many open braces cost no square of time
  for (size_t at = text.find('\\'); at != npos; at = text.find('\\', at + 1)) {
    const std::string_view rest = text.substr(at);
    const size_t name = rest.starts_with("\\boxed")      ? 6
                        : rest.starts_with("\\fbox")     ? 5
                        : rest.starts_with("\\framebox") ? 9
                                                         : 0;
    if (name == 0) continue;
    size_t open = at + name;
    while (open < text.size() && text[open] == ' ') ++open;
    if (open < text.size() && text[open] == '{') {
      size_t close = budget > 0 ? group_end(text, open) : npos;
      const size_t looked = (close == npos ? text.size() : close) - open;
      budget -= std::min(budget, looked);
      if (close == npos) {
        const std::string_view near = text.substr(open, kMaxAnswer);
        const size_t box = near.find("\\boxed");
        size_t length = std::min(box, near.size());
        for (const std::string_view mark : {"\n", "$", "\\]", "\\)"})
          length = std::min(length, near.substr(0, length).find(mark));
        close = open + length;
        if (length == box) continue;  // the one within it
        out.push_back({at, close, text.substr(open + 1, close - open - 1)});
        at = close - 1;
        continue;
      }
      out.push_back({at, close + 1, text.substr(open + 1, close - open - 1)});
      at = close;
    } else if (open < text.size() && open > at + name) {
      const size_t end = std::min(text.find_first_of(" \n$,;", open), text.size());
      out.push_back({at, end, text.substr(open, end - open)});
    }
  }
  return out;
}

std::vector<Span> formulas(std::string_view text) {
  std::vector<Span> out;
  const Ends ends(text);
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at, 2);
    const int kind = rest == "\\[" ? 0 : rest == "\\(" ? 1 : rest == "$$" ? 2 : text[at] == '$' ? 3 : -1;
    if (kind < 0) {
      if (text[at] == '\\') ++at;
      continue;
    }
    const size_t mark = kind == 3 ? 1 : 2;
    const size_t end = ends.next(kind, at + mark);
    if (end == npos || end - at > kMaxAnswer) {
      if (kind < 2) ++at;
      continue;
    }
    const std::string_view inside = text.substr(at + mark, end - at - mark);
    if (kind == 3 && at + 1 < text.size() && digit(text[at + 1]) &&
        (inside.ends_with(' ') || inside.find('\n') != npos)) {
      int words = 0;  // "$7.78 for the fudge, that is $"
      for (size_t i = 1; i < inside.size(); ++i)
        words += inside[i - 1] == ' ' && ((inside[i] >= 'a' && inside[i] <= 'z'));
      if (words >= 2) continue;
    }
    if (!trimmed(inside).empty()) out.push_back({at, end + mark, inside});
    at = end + mark - 1;
  }
  return out;
}

bool prose(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && lower(text[end]) >= 'a' && lower(text[end]) <= 'z') ++end;
    const std::string_view word = text.substr(i, end - i);
    const bool command = i > 0 && text[i - 1] == '\\';
    if (word.size() >= 3 && !command && plain_name(word).role == Role::none && !(i > 0 && text[i - 1] == '{'))
      return true;
    i = std::max(end, i + 1);
  }
  return false;
}

size_t sentence_end(std::string_view text, size_t from) {
  int depth = 0;
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && depth > 0) --depth;
    if (text[i] == '\n' && i > from + 1 && depth == 0) return i;
    if (text[i] == '.' && depth == 0 &&
        (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n' || text[i + 1] == '<'))
      return i;
    if (i - from > kMaxAnswer) return i;
  }
  return text.size();
}

Phrase last_phrase(std::string_view text) {
  const std::string low = lowered(text);
  Phrase best;
  for (size_t at = low.rfind("answer"); at != npos; at = at == 0 ? npos : low.rfind("answer", at - 1)) {
    size_t i = at + 6;
    const auto spaces = [&] {
      while (i < low.size() && (low[i] == ' ' || low[i] == '*' || low[i] == '\n' || low[i] == '\t')) ++i;
    };
    spaces();
    bool found = false, conditional = false;
    for (const std::string_view verb : {"is", "equals", "would be", "will be", "are", "=", "was"})
      if (std::string_view(low).substr(i).starts_with(verb)) {
        i += verb.size();
        found = true;
        conditional = verb == "would be";
        break;
      }
    if (std::string_view(low).substr(i).starts_with(":")) {
      ++i;
      found = true;
    }
    if (!found) continue;
    spaces();
    for (const std::string_view more : {":", "therefore", "thus", "the final answer is", "the answer is"})
      if (std::string_view(low).substr(i).starts_with(more)) {
        i += more.size();
        spaces();
      }
    if (i >= low.size()) continue;
    best.at = at;
    best.after = i;
    const std::string_view before = std::string_view(low).substr(0, at);
    best.final = before.ends_with("final ") || before.ends_with("final\n");
    // "If x = 0, the final answer would be 7" tells of another case.
    const std::string_view clause = before.substr(std::min(before.find_last_of(".\n") + 1, before.size()));
    if (conditional || clause.find("if ") != npos) best.final = false;
    return best;
  }
  return best;
}

std::optional<std::string_view> number_at_end(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && !digit(text[end - 1])) --end;
  if (end == 0) return std::nullopt;
  size_t begin = end;
  const auto part = [&](size_t i) {
    if (digit(text[i])) return true;
    if (i + 1 >= end || i == 0) return i + 1 < end && text[i] == '.';
    return (text[i] == '.' || text[i] == ',') && digit(text[i + 1]) && (digit(text[i - 1]) || text[i] == '.');
  };
  while (begin > 0 && part(begin - 1)) --begin;
  if (begin > 1 && text[begin - 1] == '/' && digit(text[begin - 2])) {  // 3/4
    const size_t bottom = begin;
    begin -= 1;
    while (begin > 0 && digit(text[begin - 1])) --begin;
    if (text.substr(begin, bottom - begin).find(',') != npos) begin = bottom;
  }
  const auto sign = [&](size_t at) {
    if (at == 0) return true;
    const char c = text[at - 1];
    return !(digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == ')' || c == ']');
  };
  if (begin > 0 && text[begin - 1] == '-' && sign(begin - 1)) --begin;
  if (begin > 1 && text[begin - 1] == '$' && text[begin - 2] == '-') begin -= 2;
  if (begin >= 3 && text.substr(begin - 3, 3) == "\xE2\x88\x92") begin -= 3;
  const std::string_view tail = text.substr(end);
  if (tail.starts_with('%'))
    end += 1;
  else if (tail.starts_with("\\%") || tail.starts_with(" %"))
    end += 2;
  else if (tail.starts_with(" \\%"))
    end += 3;
  for (const std::string_view scale : {" hundred", " thousand", " million", " billion", " trillion"})
    if (text.substr(end).starts_with(scale)) end += scale.size();
  return text.substr(begin, end - begin);
}

namespace {

bool space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Whether a word without spaces is a piece of a formula: an operator, a number, one letter, a command.
bool formula_piece(std::string_view word) {
  if (word.empty() || word == "a" || word == "A" || word == "I" || word.ends_with('.') || word.ends_with(','))
    return false;
  for (size_t i = 0; i < word.size();) {
    size_t end = i;
    while (end < word.size() && letter(word[end])) ++end;
    const bool command = i > 0 && word[i - 1] == '\\';
    if (end - i > 1 && !command && plain_name(word.substr(i, end - i)).role == Role::none) return false;
    const bool text = command && command_name(word.substr(i, end - i)).role == Role::words;
    if (text || word[i] == '$' || word[i] == ':' || word[i] == ';' || word[i] == '`' || word[i] == '=')
      return false;
    i = std::max(end, i + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string_view> value_at_end(std::string_view text) {
  const auto number = number_at_end(text);
  if (!number) return number;
  constexpr size_t kNear = 300;  // bytes on either side that may belong to it
  const size_t place = static_cast<size_t>(number->data() - text.data()),
               skipped = place - std::min(place, kNear);
  text = text.substr(skipped, place - skipped + number->size() + kNear);
  const size_t from = place - skipped, to = from + number->size();
  const char before = from > 0 ? text[from - 1] : ' ', after = to < text.size() ? text[to] : ' ';
  const char second = to + 1 < text.size() ? text[to + 1] : ' ';
  const auto within = [](char c) { return std::string_view("{}^\\").find(c) != npos; };
  bool part = within(before) || within(after) || letter(before) ||
              (before == '_' && from > 1 && !space(text[from - 2])) || (letter(after) && !letter(second)) ||
              (after == '(' && letter(second)) ||
              (before == '(' && after == ')' && from > 1 && letter(text[from - 2]));
  size_t next = to;
  while (next < text.size() && text[next] == ' ') ++next;
  if (!part && next + 1 < text.size() && text[next] == '\\' && letter(text[next + 1])) {  // 10 \pi
    size_t end = next + 1;
    while (end < text.size() && letter(text[end])) ++end;
    const Role role = command_name(text.substr(next + 1, end - next - 1)).role;
    part = role != Role::words && role != Role::upright && role != Role::skip && role != Role::wide_space;
  }
  if (!part) return number;
  const auto word_end = [&](size_t i) {  // spaces within braces do not end a word
    int depth = 0;
    for (; i < text.size() && (depth > 0 || !space(text[i])); ++i)
      depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    return i;
  };
  const auto word_begin = [&](size_t i) {
    int depth = 0;
    for (; i > 0 && (depth > 0 || !space(text[i - 1])); --i)
      depth += text[i - 1] == '}' ? 1 : text[i - 1] == '{' ? -1 : 0;
    return i;
  };
  size_t begin = word_begin(from), end = word_end(to);
  while (begin < end && begin > 0) {  // a brace that opens before the number
    int open = 0;
    for (size_t i = begin; i < end; ++i) open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (open >= 0) break;
    const size_t more = word_begin(begin - 1);
    if (more >= begin) break;
    begin = more;
  }
  while (begin > 1) {
    const size_t more = word_begin(begin - 1);
    if (more >= begin || !formula_piece(trimmed(text.substr(more, begin - 1 - more)))) break;
    begin = more;
  }
  while (end < text.size()) {
    size_t start = end;
    while (start < text.size() && text[start] == ' ') ++start;
    const size_t more = word_end(start);
    if (start == more || !formula_piece(text.substr(start, more - start))) break;
    end = more;
  }
  std::string_view out = trimmed(text.substr(begin, end - begin));
  while (!out.empty() && std::string_view(".,;:!?*`$").find(out.back()) != npos) out.remove_suffix(1);
  while (!out.empty() && std::string_view("*`$").find(out.front()) != npos) out.remove_prefix(1);
  return out;
}

}  // namespace cohort::math
