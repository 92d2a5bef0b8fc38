#include "data/json_rows.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace cohort {
namespace {

constexpr size_t kNone = std::string_view::npos;

// One past the string whose quote stands at `at`.
size_t string_end(std::string_view text, size_t at) {
  for (size_t from = at + 1;;) {
    const size_t quote = text.find('"', from);
    if (quote == kNone) return kNone;
    size_t escapes = 0;
    while (text[quote - 1 - escapes] == '\\') ++escapes;  // ends at the opening quote at the latest
    if (escapes % 2 == 0) return quote + 1;
    from = quote + 1;
  }
}

// What is at `at` behind white space, '\0' at the end; `at` is moved there.
char next_sign(std::string_view text, size_t& at) {
  at = skip_json_space(text, at);
  return at < text.size() ? text[at] : '\0';
}

struct Member {
  size_t end;      // one past the value
  bool rows;       // an array of one object or more, and of nothing else
};

// The array that begins at `at`; nothing where it is no array.
std::optional<Member> read_array(std::string_view text, size_t at) {
  Member found{0, true};
  bool any = false;
  for (++at;; ++at) {
    const char sign = next_sign(text, at);
    if (sign == ']' && !any) break;
    found.rows = found.rows && sign == '{';
    any = true;
    at = json_value_end(text, at);
    if (at == kNone) return std::nullopt;
    const char behind = next_sign(text, at);
    if (behind == ']') break;
    if (behind != ',') return std::nullopt;
  }
  found.end = at + 1;
  found.rows = found.rows && any;
  return found;
}

}  // namespace

size_t skip_json_space(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) ++at;
  return at;
}

size_t json_value_end(std::string_view text, size_t at) {
  if (at >= text.size()) return kNone;
  if (text[at] == '"') return string_end(text, at);
  if (text[at] != '{' && text[at] != '[') {
    const size_t end = std::min(text.find_first_of(",:]} \t\r\n", at), text.size());
    return end == at ? kNone : end;
  }
  for (size_t depth = 0; at < text.size();) {
    const char sign = text[at];
    if (sign == '"') {
      at = string_end(text, at);
      continue;
    }
    ++at;
    if (sign == '{' || sign == '[') ++depth;
    if ((sign == '}' || sign == ']') && --depth == 0) return at;
  }
  return kNone;
}

std::vector<JsonMember> json_members(std::string_view object) {
  std::vector<JsonMember> members;
  size_t at = object.find('{') + 1;
  while (next_sign(object, at) != '}') {
    if (object[at] == ',') at = skip_json_space(object, at + 1);
    const size_t key_end = string_end(object, at), colon = skip_json_space(object, key_end),
                 begin = skip_json_space(object, colon + 1), end = json_value_end(object, begin);
    members.push_back({object.substr(at, key_end - at), object.substr(begin, end - begin)});
    at = end;
  }
  return members;
}

std::string json_without_space(std::string_view text) {
  std::string out;
  for (size_t at = 0; (at = skip_json_space(text, at)) < text.size();) {
    const size_t end = text[at] == '"' ? std::min(string_end(text, at), text.size()) : at + 1;
    out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

JsonRows find_json_rows(std::string_view text, const std::string& name) {
  size_t at = 0;
  const char first = next_sign(text, at);
  if (first == '[') return {JsonRows::array, at};
  if (first == '\0') fail("{}: not JSON: the file holds nothing", name);
  if (first != '{') fail("{}: expected an array of objects, found {:.20}", name, text.substr(at, 20));
  const JsonRows lines{JsonRows::lines, 0};
  JsonRows found{JsonRows::single, at};
  bool several = false;
  ++at;
  if (next_sign(text, at) != '}') {
    for (;; ++at) {
      if (next_sign(text, at) != '"') return lines;
      at = string_end(text, at);
      if (at == kNone || next_sign(text, at) != ':') return lines;
      ++at;
      if (next_sign(text, at) == '[') {
        const std::optional<Member> member = read_array(text, at);
        if (!member) return lines;
        if (member->rows) {
          several = several || found.kind == JsonRows::member;
          found = {JsonRows::member, at};
        }
        at = member->end;
      } else {
        at = json_value_end(text, at);
        if (at == kNone) return lines;
      }
      const char behind = next_sign(text, at);
      if (behind == '}') break;
      if (behind != ',') return lines;
    }
  }
  ++at;
  if (next_sign(text, at) != '\0') return lines;
  if (several) fail("{}: expected one array of objects, found several", name);
  return found;
}

}  // namespace cohort
