// Filters on text.
#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "template/filters.h"
#include "template/format.h"
#include "template/interpreter.h"
#include "template/methods.h"
#include "template/operators.h"
#include "template/text.h"
#include "template/unicode.h"
#include "template/wrap.h"

namespace cohort::jinja {
namespace filters_of_text {

bool safe(const Value& value) { return value.is(Kind::string) && value.as_text().safe; }

template <std::string (*F)(std::string_view)>
Value cased(Interpreter&, const Value& input, Arguments& given) {
  given.finish("the filter");
  return Value::text(F(str(input)), safe(input));
}

// A word begins behind white space, a hyphen or an opening bracket.
std::string title_words(std::string_view text) {
  std::string out;
  bool begins = true;
  size_t i = 0;
  while (i < text.size()) {
    const Utf8Char c = next_utf8(text.substr(i));
    const bool between =
        c.code == '-' || c.code == '(' || c.code == '{' || c.code == '[' || c.code == '<' || is_space(c.code);
    if (between) {
      out += text.substr(i, c.size);
      begins = true;
      i += c.size;
      continue;
    }
    if (begins) {
      out += upper(text.substr(i, c.size));
      i += c.size;
      begins = false;
    }
    size_t end = i;
    while (end < text.size()) {
      const Utf8Char d = next_utf8(text.substr(end));
      if (d.code == '-' || d.code == '(' || d.code == '{' || d.code == '[' || d.code == '<' ||
          is_space(d.code))
        break;
      end += d.size;
    }
    out += lower(text.substr(i, end - i));
    i = end;
  }
  return out;
}

Value trim(Interpreter&, const Value& input, Arguments& given) {
  const Value set = given.take_or(0, "chars", Value());
  given.finish("trim");
  const std::string text = str(input);
  std::optional<std::string_view> chars;
  if (!set.is(Kind::none)) {
    if (!set.is(Kind::string)) fail("strip arg must be None or str");
    chars = set.bytes();
  }
  return Value::text(std::string(strip(text, chars, true, true)), safe(input));
}

Value replace(Interpreter&, const Value& input, Arguments& given) {
  const std::string old = str(given.need(0, "old", "replace")), by = str(given.need(1, "new", "replace"));
  const Value count = given.take_or(2, "count", Value());
  given.finish("replace");
  return Value::text(replaced(str(input), old, by, count.is_integral() ? count.as_integer() : -1));
}

Value indent(Interpreter&, const Value& input, Arguments& given) {
  const Value width = given.take_or(0, "width", Value::integer(4));
  const bool first = given.flag(1, "first", false), blank = given.flag(2, "blank", false);
  given.finish("indent");
  if (!input.is(Kind::string)) fail("indent: expected text, found {}", type_name(input));
  if (!width.is(Kind::string) && !width.is_integral())
    fail("indent: expected a width or a text, found {}", type_name(width));
  const std::string indention =
      width.is(Kind::string) ? width.bytes() : padded("", width.as_integer(), " ", '<');
  const std::string text = input.bytes() + "\n";
  std::string out = first ? indention : "";
  size_t n = 0;
  for (const std::string_view line : split_lines(text, false)) {
    if (n++ > 0) {
      out += '\n';
      if (blank || !line.empty()) out += indention;
    }
    out += line;
    check_output(out.size());
  }
  return Value::text(std::move(out), safe(input));
}

Value truncate(Interpreter&, const Value& input, Arguments& given) {
  const int64_t length = given.integer(0, "length", 255);
  const bool killwords = given.flag(1, "killwords", false);
  const Value end_text = given.take_or(2, "end", Value::text("..."));
  const Value* leeway_given = given.take(3, "leeway");
  const int64_t leeway = leeway_given && leeway_given->is_integral() ? leeway_given->as_integer() : 5;
  given.finish("truncate");
  const std::u32string end = decode(str(end_text));
  if (length < static_cast<int64_t>(end.size())) fail("expected length >= {}, got {}", end.size(), length);
  if (leeway < 0) fail("expected leeway >= 0, got {}", leeway);
  if (length_of(input) - leeway <= length) return input;  // a short list too
  if (!input.is(Kind::string)) fail("truncate: expected text, found {}", type_name(input));
  const std::u32string text = decode(input.bytes());
  std::u32string cut = text.substr(0, static_cast<size_t>(length) - end.size());
  if (!killwords && cut.rfind(U' ') != cut.npos) cut.resize(cut.rfind(U' '));
  return Value::text(encode(cut + end), safe(input));
}

Value wordwrap(Interpreter&, const Value& input, Arguments& given) {
  const int64_t width = given.integer(0, "width", 79);
  const bool break_long = given.flag(1, "break_long_words", true);
  const Value* with = given.take(2, "wrapstring");
  const bool hyphens = given.flag(3, "break_on_hyphens", true);
  given.finish("wordwrap");
  if (!input.is(Kind::string)) fail("wordwrap: expected text, found {}", type_name(input));
  const std::string newline = with && with->is(Kind::string) ? with->bytes() : "\n";
  std::string out;
  bool first = true;
  for (const std::string_view line : split_lines(input.bytes(), false)) {
    if (!first) out += newline;
    first = false;
    bool first_piece = true;
    for (const std::string& piece : wrap(line, width, break_long, hyphens)) {
      if (!first_piece) out += newline;
      first_piece = false;
      out += piece;
      check_output(out.size());
    }
    check_output(out.size());
  }
  return Value::text(std::move(out));
}

Value center(Interpreter&, const Value& input, Arguments& given) {
  const int64_t width = given.integer(0, "width", 80);
  given.finish("center");
  return Value::text(padded(str(input), width, " ", 'c'), safe(input));
}

Value wordcount(Interpreter&, const Value& input, Arguments&) {
  int64_t words = 0;
  bool inside = false;
  for (const char32_t c : decode(str(input))) {
    const bool word = c == '_' || is_alpha(c) || is_numeric(c);
    words += word && !inside;
    inside = word;
  }
  return Value::integer(words);
}

Value format(Interpreter& interpreter, const Value& input, Arguments& given) {
  if (!given.positional.empty() && !given.named.empty())
    fail("can't handle positional and keyword arguments at the same time");
  if (given.named.empty())
    return Value::text(percent_format(interpreter, str(input), Value::tuple(given.positional)), safe(input));
  Dict named;
  for (const auto& [name, value] : given.named) named.set(Value::text(name), value);
  return Value::text(percent_format(interpreter, str(input), Value::dict(std::move(named))), safe(input));
}

Value escape(Interpreter&, const Value& input, Arguments&) { return escaped(input); }
Value force_escape(Interpreter&, const Value& input, Arguments&) { return escaped(Value::text(str(input))); }
Value mark_safe(Interpreter&, const Value& input, Arguments&) { return Value::text(str(input), true); }
Value string(Interpreter&, const Value& input, Arguments&) {
  return input.is(Kind::string) ? input : Value::text(str(input));
}

// Without comments and tags, white space made single.
Value striptags(Interpreter&, const Value& input, Arguments&) {
  std::string text = str(input), plain;
  for (const auto& [open, close] : {std::pair{"<!--", "-->"}, {"<", ">"}}) {
    plain.clear();
    size_t at = 0;
    while (true) {
      const size_t begin = text.find(open, at);
      const size_t end = begin == text.npos ? text.npos : text.find(close, begin);
      if (end == text.npos) break;
      plain += text.substr(at, begin - at);
      at = end + std::string_view(close).size();
    }
    plain += text.substr(at);
    text = plain;
  }
  std::string out;
  std::string_view rest = strip(text, {}, true, true);
  while (!rest.empty()) {
    const Utf8Char c = next_utf8(rest);
    if (is_space(c.code)) {
      out += ' ';
      rest = strip(rest, {}, true, false);
    } else {
      out += rest.substr(0, c.size);
      rest.remove_prefix(c.size);
    }
  }
  for (const auto& [entity, meant] : {std::pair{"&lt;", "<"},
                                      {"&gt;", ">"},
                                      {"&#34;", "\""},
                                      {"&quot;", "\""},
                                      {"&#39;", "'"},
                                      {"&amp;", "&"}})
    out = replaced(out, entity, meant, -1);
  return Value::text(std::move(out));
}

std::string url_quoted(std::string_view text, bool query) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    if (plain)
      out += c;
    else if (c == ' ' && query)
      out += '+';
    else
      ((out += '%') += hex[static_cast<unsigned char>(c) >> 4]) += hex[c & 15];
  }
  return out;
}

Value urlencode(Interpreter&, const Value& input, Arguments&) {
  if (input.is(Kind::string) || !is_iterable(input)) return Value::text(url_quoted(str(input), false));
  std::string out;
  for (const Value& pair : items_of(input.is(Kind::dict) ? Value::view(input, Value::Part::items) : input)) {
    const std::vector<Value> two = items_of(pair);
    if (two.size() != 2) fail("urlencode: expected pairs, found {} items", two.size());
    if (!out.empty()) out += '&';
    out += url_quoted(str(two[0]), true) + "=" + url_quoted(str(two[1]), true);
    check_output(out.size());
  }
  return Value::text(std::move(out));
}

constexpr Filter kFilters[] = {{"upper", cased<upper>},
                               {"lower", cased<lower>},
                               {"capitalize", cased<capitalize>},
                               {"title", cased<title_words>},
                               {"trim", trim},
                               {"replace", replace},
                               {"indent", indent},
                               {"truncate", truncate},
                               {"wordwrap", wordwrap},
                               {"center", center},
                               {"wordcount", wordcount},
                               {"format", format},
                               {"e", escape},
                               {"escape", escape},
                               {"forceescape", force_escape},
                               {"safe", mark_safe},
                               {"string", string},
                               {"striptags", striptags},
                               {"urlencode", urlencode}};

}  // namespace filters_of_text

std::span<const Filter> text_filters() { return filters_of_text::kFilters; }

}  // namespace cohort::jinja
