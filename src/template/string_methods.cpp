// str's methods.
#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "template/format.h"
#include "template/methods.h"
#include "template/operators.h"
#include "template/search.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace methods_of_strings {

Value like(const Value& self, std::string text) { return Value::text(std::move(text), self.as_text().safe); }
Value truth_of(bool value) { return Value::boolean(value); }

std::string_view text_argument(Arguments& given, size_t at, std::string_view name, std::string_view method) {
  const Value* value = given.take(at, name);
  if (!value) fail("{}: missing argument '{}'", method, name);
  if (!value->is(Kind::string)) fail("{}: expected str, not {}", method, type_name(*value));
  return value->bytes();
}

template <std::string (*F)(std::string_view)>
Value cased(Interpreter&, const Value& self, Arguments& given) {
  given.finish("a string's method");
  return like(self, F(self.bytes()));
}

template <bool left, bool right>
Value strip_method(Interpreter&, const Value& self, Arguments& given) {
  std::optional<std::string_view> set;
  if (const Value* chars = given.take(0, "chars"); chars && !chars->is(Kind::none)) {
    if (!chars->is(Kind::string)) fail("strip arg must be None or str");
    set = chars->bytes();
  }
  given.finish("strip");
  return like(self, std::string(strip(self.bytes(), set, left, right)));
}

std::vector<std::string_view> split_blanks(std::string_view text, int64_t most) {
  std::vector<std::string_view> parts;
  while (true) {
    text = strip(text, {}, true, false);
    if (text.empty()) return parts;
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text);  // split() keeps the blanks behind its last part
      return parts;
    }
    size_t end = 0;
    while (end < text.size()) {
      const Utf8Char c = next_utf8(text.substr(end));
      if (is_space(c.code)) break;
      end += c.size;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<std::string_view> split_blanks_from_right(std::string_view text, int64_t most) {
  std::vector<std::string_view> parts;
  while (true) {
    text = strip(text, {}, false, true);
    if (text.empty()) break;
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text);
      break;
    }
    size_t begin = text.size();
    while (begin > 0) {
      size_t before = begin - 1;
      while (before > 0 && (text[before] & 0xC0) == 0x80) --before;
      if (is_space(next_utf8(text.substr(before)).code)) break;
      begin = before;
    }
    parts.push_back(text.substr(begin));
    text = text.substr(0, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t most,
                                       bool right) {
  if (separator.empty()) fail("empty separator");
  std::vector<std::string_view> parts;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t at = right ? rfind_text(text, separator) : find_text(text, separator);
    if (at == text.npos) break;
    parts.push_back(right ? text.substr(at + separator.size()) : text.substr(0, at));
    text = right ? text.substr(0, at) : text.substr(at + separator.size());
  }
  parts.push_back(text);
  if (right) std::reverse(parts.begin(), parts.end());
  return parts;
}

Value texts(const Value& self, const std::vector<std::string_view>& parts) {
  std::vector<Value> list;
  list.reserve(parts.size());
  for (const std::string_view part : parts) list.push_back(like(self, std::string(part)));
  return Value::list(std::move(list));
}

template <bool right>
Value split(Interpreter&, const Value& self, Arguments& given) {
  const Value separator = given.take_or(0, "sep", Value());
  const int64_t most = given.integer(1, "maxsplit", -1);
  given.finish("split");
  spend(steps_for_bytes(self.bytes().size()));
  if (separator.is(Kind::none))
    return texts(self,
                 right ? split_blanks_from_right(self.bytes(), most) : split_blanks(self.bytes(), most));
  if (!separator.is(Kind::string)) fail("must be str or None, not {}", type_name(separator));
  return texts(self, split_at(self.bytes(), separator.bytes(), most, right));
}

Value splitlines(Interpreter&, const Value& self, Arguments& given) {
  const bool keep = given.flag(0, "keepends", false);
  return texts(self, split_lines(self.bytes(), keep));
}

template <bool right>
Value partition(Interpreter&, const Value& self, Arguments& given) {
  const std::string_view separator = text_argument(given, 0, "sep", "partition"), text = self.bytes();
  if (separator.empty()) fail("empty separator");
  const size_t at = right ? rfind_text(text, separator) : find_text(text, separator);
  const auto part = [&](std::string_view one) { return like(self, std::string(one)); };
  if (at == text.npos)
    return right ? Value::tuple({part(""), part(""), self}) : Value::tuple({self, part(""), part("")});
  return Value::tuple({part(text.substr(0, at)), part(separator), part(text.substr(at + separator.size()))});
}

Value replace(Interpreter&, const Value& self, Arguments& given) {
  const std::string_view old = text_argument(given, 0, "old", "replace");
  const std::string_view by = text_argument(given, 1, "new", "replace");
  const int64_t most = given.integer(2, "count", -1);
  given.finish("replace");
  return like(self, replaced(self.bytes(), old, by, most));
}

// The part [start, end) that find, count, startswith ... look at.
struct Part {
  std::string_view text;
  size_t offset = 0;  // bytes before it
  bool valid = true;  // start is not behind the end of the text
};
Part part_of(const Value& self, Arguments& given) {
  const int64_t n = characters(self.as_text());
  const auto bound = [&](size_t at, const char* name, int64_t otherwise) {
    const Value* value = given.take(at, name);
    if (!value || value->is(Kind::none)) return otherwise;
    if (!value->is_integral()) fail("slice indices must be integers or None");
    const int64_t i = value->as_integer();
    return i < 0 ? std::max<int64_t>(i + n, 0) : i;
  };
  const int64_t start = bound(1, "start", 0), end = std::min(bound(2, "end", n), n);
  if (start > n || start > end) return {{}, 0, false};
  const size_t begin = byte_of(self.as_text(), start);
  return {std::string_view(self.bytes()).substr(begin, byte_of(self.as_text(), end) - begin), begin, true};
}

template <bool right, bool must>
Value find(Interpreter&, const Value& self, Arguments& given) {
  const std::string_view what = text_argument(given, 0, "sub", "find");
  const Part part = part_of(self, given);
  const size_t at = !part.valid ? std::string::npos : right ? rfind_text(part.text, what) : find_text(part.text, what);
  if (at == std::string::npos) {
    if (must) fail("substring not found");
    return Value::integer(-1);
  }
  const Text before(self.bytes().substr(0, part.offset + at), false);
  return Value::integer(characters(before));
}

Value count(Interpreter&, const Value& self, Arguments& given) {
  const std::string_view what = text_argument(given, 0, "sub", "count");
  const Part part = part_of(self, given);
  if (!part.valid) return Value::integer(0);
  int64_t n = 0;
  if (what.empty()) return Value::integer(characters(Text(std::string(part.text), false)) + 1);
  for (size_t at = 0; (at = find_text(part.text, what, at)) != part.text.npos; at += what.size()) ++n;
  return Value::integer(n);
}

template <bool front>
bool begins_or_ends(std::string_view text, std::string_view with) {
  if (with.size() > text.size()) return false;
  spend(steps_for_bytes(with.size()));
  return front ? text.starts_with(with) : text.ends_with(with);
}

template <bool front>
Value affix(Interpreter&, const Value& self, Arguments& given) {
  const char* method = front ? "startswith" : "endswith";
  const Value what = given.need(0, "prefix", method);
  const Part part = part_of(self, given);
  const auto fits = [&](const Value& one) {
    if (!one.is(Kind::string))
      fail("{} first arg must be str or a tuple of str, not {}", method, type_name(one));
    return part.valid && begins_or_ends<front>(part.text, one.bytes());
  };
  if (!what.is(Kind::tuple)) return truth_of(fits(what));
  return truth_of(std::any_of(what.items().begin(), what.items().end(), fits));
}

template <bool front>
Value remove_affix(Interpreter&, const Value& self, Arguments& given) {
  const std::string_view what = text_argument(given, 0, "prefix", front ? "removeprefix" : "removesuffix");
  std::string_view text = self.bytes();
  if (begins_or_ends<front>(text, what))
    text = front ? text.substr(what.size()) : text.substr(0, text.size() - what.size());
  return like(self, std::string(text));
}

Value join(Interpreter&, const Value& self, Arguments& given) {
  std::string out;
  size_t i = 0;
  for (const Value& item : items_of(given.need(0, "iterable", "join"))) {
    if (!item.is(Kind::string)) fail("sequence item {}: expected str instance, {} found", i, type_name(item));
    if (i++ > 0) out += self.bytes();
    out += item.bytes();
    check_output(out.size());
  }
  return like(self, std::move(out));
}

template <bool (*F)(char32_t)>
Value all_are(Interpreter&, const Value& self, Arguments&) {
  const std::u32string text = decode(self.bytes());
  return truth_of(!text.empty() && std::all_of(text.begin(), text.end(), F));
}
bool alnum(char32_t c) { return is_alpha(c) || is_numeric(c); }
bool one_case(const Value& self, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  const std::u32string text = decode(self.bytes());
  return std::any_of(text.begin(), text.end(), wanted) &&
         std::none_of(text.begin(), text.end(), [&](char32_t c) { return other(c) || is_title(c); });
}
Value islower(Interpreter&, const Value& self, Arguments&) {
  return truth_of(one_case(self, is_lower, is_upper));
}
Value isupper(Interpreter&, const Value& self, Arguments&) {
  return truth_of(one_case(self, is_upper, is_lower));
}
Value istitle(Interpreter&, const Value& self, Arguments&) {
  bool inside = false, any = false;
  for (const char32_t c : decode(self.bytes())) {
    const bool starts = is_upper(c) || is_title(c), goes_on = is_lower(c);
    if (starts ? inside : goes_on && !inside) return truth_of(false);
    inside = starts || goes_on;
    any |= inside;
  }
  return truth_of(any);
}
Value isascii(Interpreter&, const Value& self, Arguments&) {
  spend_bytes(self.bytes().size());
  return truth_of(
      std::all_of(self.bytes().begin(), self.bytes().end(), [](char c) { return (c & 0x80) == 0; }));
}
Value isidentifier(Interpreter&, const Value& self, Arguments&) {
  return truth_of(is_identifier(self.bytes()));
}
Value isprintable(Interpreter&, const Value& self, Arguments&) {
  const std::u32string text = decode(self.bytes());
  return truth_of(std::all_of(text.begin(), text.end(), is_printable));
}

enum class Side { left, right, both };
template <Side side>
Value pad(Interpreter&, const Value& self, Arguments& given) {
  const int64_t width = given.integer(0, "width", 0);
  const Value* fill = given.take(1, "fillchar");
  if (fill && (!fill->is(Kind::string) || characters(fill->as_text()) != 1))
    fail("the fill character must be exactly one character long");
  return like(self, padded(self.bytes(), width, fill ? fill->bytes() : " ",
                           side == Side::right  ? '<'
                           : side == Side::left ? '>'
                                                : 'c'));
}

Value zfill(Interpreter&, const Value& self, Arguments& given) {
  const int64_t width = given.integer(0, "width", 0);
  std::string_view text = self.bytes();
  std::string sign;
  if (text.starts_with('+') || text.starts_with('-')) {
    sign = text[0];
    text.remove_prefix(1);
  }
  return like(self, sign + padded(text, width - static_cast<int64_t>(sign.size()), "0", '>'));
}

Value expandtabs(Interpreter&, const Value& self, Arguments& given) {
  const int64_t size = given.integer(0, "tabsize", 8);
  std::u32string out;
  int64_t column = 0;
  for (const char32_t c : decode(self.bytes())) {
    if (c == '\t') {
      const int64_t n = size > 0 ? size - column % size : 0;
      check_output(out.size() + static_cast<uint64_t>(n));
      out.append(static_cast<size_t>(n), U' ');
      column += n;
    } else {
      out += c;
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return like(self, encode(out));
}

Value format(Interpreter& interpreter, const Value& self, Arguments& given) {
  return like(self, brace_format(interpreter, self.bytes(), given));
}

constexpr Method kMethods[] = {{"capitalize", cased<capitalize>},
                               {"casefold", cased<casefold>},
                               {"center", pad<Side::both>},
                               {"count", count},
                               {"endswith", affix<false>},
                               {"expandtabs", expandtabs},
                               {"find", find<false, false>},
                               {"format", format},
                               {"index", find<false, true>},
                               {"isalnum", all_are<alnum>},
                               {"isalpha", all_are<is_alpha>},
                               {"isascii", isascii},
                               {"isdecimal", all_are<is_decimal>},
                               {"isdigit", all_are<is_digit>},
                               {"isidentifier", isidentifier},
                               {"islower", islower},
                               {"isnumeric", all_are<is_numeric>},
                               {"isprintable", isprintable},
                               {"isspace", all_are<is_space>},
                               {"istitle", istitle},
                               {"isupper", isupper},
                               {"join", join},
                               {"ljust", pad<Side::right>},
                               {"lower", cased<lower>},
                               {"lstrip", strip_method<true, false>},
                               {"partition", partition<false>},
                               {"removeprefix", remove_affix<true>},
                               {"removesuffix", remove_affix<false>},
                               {"replace", replace},
                               {"rfind", find<true, false>},
                               {"rindex", find<true, true>},
                               {"rjust", pad<Side::left>},
                               {"rpartition", partition<true>},
                               {"rsplit", split<true>},
                               {"rstrip", strip_method<false, true>},
                               {"split", split<false>},
                               {"splitlines", splitlines},
                               {"startswith", affix<true>},
                               {"strip", strip_method<true, true>},
                               {"swapcase", cased<swapcase>},
                               {"title", cased<title>},
                               {"upper", cased<upper>},
                               {"zfill", zfill}};

}  // namespace methods_of_strings

std::span<const Method> string_methods() { return methods_of_strings::kMethods; }

const Method* find_string_method(std::string_view name) {
  const auto* const found =
      std::lower_bound(std::begin(methods_of_strings::kMethods), std::end(methods_of_strings::kMethods), name,
                       [](const Method& method, std::string_view wanted) { return method.name < wanted; });
  return found != std::end(methods_of_strings::kMethods) && found->name == name ? found : nullptr;
}

}  // namespace cohort::jinja
