#include "template/lexer.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/check.h"
#include "base/utf8.h"
#include "template/string_literal.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace {

// Jinja2 knows one kind of line end.
std::string with_newlines(std::string_view source, bool keep_last) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!keep_last && out.ends_with('\n')) out.pop_back();
  return out;
}

bool all_space(std::string_view text) { return !text.empty() && strip(text, {}, true, true).empty(); }

class Lexer {
 public:
  Lexer(std::string source, const Whitespace& whitespace)
      : source_(std::move(source)), whitespace_(whitespace) {}

  std::vector<Token> run() {
    while (pos_ < source_.size()) text();
    add(TokenKind::end, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest(size_t skip = 0) const {
    return std::string_view(source_).substr(std::min(pos_ + skip, source_.size()));
  }
  [[noreturn]] void bad(const std::string& what) const { fail("line {}: {}", line_, what); }
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  // Takes `size` bytes, counting their lines.
  void advance(size_t size) {
    const std::string_view taken = rest().substr(0, size);
    line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
    line_starting_ = taken.ends_with('\n');
    pos_ += taken.size();
  }

  size_t spaces(size_t skip) const { return rest(skip).size() - strip(rest(skip), {}, true, false).size(); }

  // The size of an end tag here: -%} with the white space behind it, +%}, or %} with a newline; 0: none.
  size_t end_tag(size_t skip, std::string_view tag, bool trims, bool plus) const {
    const std::string_view here = rest(skip);
    if (here.starts_with('-') && here.substr(1).starts_with(tag)) return 3 + spaces(skip + 3);
    if (plus && here.starts_with('+') && here.substr(1).starts_with(tag)) return 3;
    if (!here.starts_with(tag)) return 0;
    return 2 + (trims && here.substr(2).starts_with('\n') ? 1 : 0);
  }

  // Text before a tag, stripped as the tag's sign says.
  void data(std::string_view text, char sign, bool variable) {
    if (sign == '-') {
      text = strip(text, {}, false, true);
    } else if (sign != '+' && whitespace_.lstrip_blocks && !variable) {
      const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      if ((line > 0 || line_starting_) && all_space(text.substr(line))) text = text.substr(0, line);
    }
    if (!text.empty()) add(TokenKind::data, std::string(text));
  }

  // Data up to the next tag, and the tag.
  void text() {
    size_t tag = pos_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == source_.npos || tag + 1 >= source_.size()) {
        add(TokenKind::data, source_.substr(pos_));
        advance(source_.size() - pos_);
        return;
      }
      if (const char c = source_[tag + 1]; c == '%' || c == '{' || c == '#') break;
    }
    const char kind = source_[tag + 1];
    const char next = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = next == '-' || next == '+' ? next : '\0';
    data(std::string_view(source_).substr(pos_, tag - pos_), sign, kind == '{');
    advance(tag - pos_);
    if (kind == '%' && raw(sign)) return;
    if (kind == '#') return comment(sign);
    add(kind == '%' ? TokenKind::block_begin : TokenKind::variable_begin, {});
    advance(sign ? 3 : 2);
    kind == '%' ? inside(TokenKind::block_end) : inside(TokenKind::variable_end);
  }

  void comment(char sign) {
    advance(sign ? 3 : 2);
    for (size_t i = 0; i < rest().size(); ++i) {
      const char c = rest()[i];
      if (c != '-' && c != '+' && c != '#') continue;
      if (const size_t size = end_tag(i, "#}", whitespace_.trim_blocks, true)) return advance(i + size);
    }
    bad("a comment {# without its end #}");
  }

  // {% raw %} ... {% endraw %}; false: not one.
  bool raw(char sign) {
    size_t i = sign ? 3 : 2;
    i += spaces(i);
    if (!rest(i).starts_with("raw")) return false;
    i += 3;
    i += spaces(i);
    const size_t size = end_tag(i, "%}", false, false);
    if (size == 0) return false;
    advance(i + size);
    for (size_t at = pos_; (at = source_.find("{%", at)) != source_.npos; ++at) {
      const size_t begin = at - pos_;
      const std::string_view behind = rest(begin + 2);
      const char stop = !behind.empty() && (behind[0] == '-' || behind[0] == '+') ? behind[0] : '\0';
      size_t j = begin + 2 + (stop ? 1 : 0);
      j += spaces(j);
      if (!rest(j).starts_with("endraw")) continue;
      j += 6;
      j += spaces(j);
      const size_t end = end_tag(j, "%}", whitespace_.trim_blocks, true);
      if (end == 0) continue;
      data(rest().substr(0, begin), stop, false);
      advance(j + end);
      return true;
    }
    bad("{% raw %} without {% endraw %}");
  }

  // What stands in a tag, and its end.
  void inside(TokenKind end) {
    const std::string_view tag = end == TokenKind::block_end ? "%}" : "}}";
    std::string closers;
    while (pos_ < source_.size()) {
      const bool block = end == TokenKind::block_end;
      if (closers.empty()) {
        if (const size_t size = end_tag(0, tag, block && whitespace_.trim_blocks, block)) {
          add(end, {});
          return advance(size);
        }
      }
      if (const size_t size = spaces(0)) {
        advance(size);
        continue;
      }
      if (number() || name() || string() || op(closers)) continue;
      bad(fmt::format("unexpected character '{}'", rest().substr(0, next_utf8(rest()).size)));
    }
  }

  // Digits with single underscores between them, from `i`; their end.
  size_t digits(size_t i) const {
    const std::string_view r = rest();
    const auto digit = [&](size_t k) { return k < r.size() && r[k] >= '0' && r[k] <= '9'; };
    while (digit(i) || (i < r.size() && r[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1))) ++i;
    return i;
  }

  bool number() {
    const std::string_view r = rest();
    if (r[0] < '0' || r[0] > '9') return false;
    size_t end = digits(0);
    const bool after_dot = pos_ > 0 && source_[pos_ - 1] == '.';
    size_t whole = end;
    if (!after_dot) {
      if (end + 1 < r.size() && r[end] == '.' && r[end + 1] >= '0' && r[end + 1] <= '9')
        end = digits(end + 1);
      if (end < r.size() && (r[end] | 0x20) == 'e') {
        size_t exponent = end + 1;
        if (exponent < r.size() && (r[exponent] == '+' || r[exponent] == '-')) ++exponent;
        if (exponent < r.size() && r[exponent] >= '0' && r[exponent] <= '9') end = digits(exponent);
      }
    }
    Token token{TokenKind::real, line_, {}};
    if (end > whole) {
      token.real = *read_real(r.substr(0, end));
    } else {
      token.kind = TokenKind::integer;
      if (r[0] == '0') whole = zero_or_prefixed();
      token.integer = *read_integer(r.substr(0, whole), 0);
      end = whole;
    }
    token.text = r.substr(0, end);
    tokens_.push_back(std::move(token));
    advance(end);
    return true;
  }

  // 0x1F, 0b1, 0o7, or as many zeros as there are.
  size_t zero_or_prefixed() const {
    const std::string_view r = rest();
    const char letter = r.size() > 1 ? static_cast<char>(r[1] | 0x20) : '\0';
    const auto allowed = [&](char c) {
      if (letter == 'x') return std::isxdigit(static_cast<unsigned char>(c)) != 0;
      return c >= '0' && c <= (letter == 'b' ? '1' : '7');
    };
    if (letter == 'x' || letter == 'b' || letter == 'o') {
      size_t end = 2;
      while (end < r.size() &&
             (allowed(r[end]) || (r[end] == '_' && end + 1 < r.size() && allowed(r[end + 1]))))
        ++end;
      if (end > 2) return end;
    }
    size_t end = 1;
    while (end < r.size() && (r[end] == '0' || (r[end] == '_' && end + 1 < r.size() && r[end + 1] == '0')))
      ++end;
    return end;
  }

  bool name() {
    size_t end = 0;
    while (end < rest().size()) {
      const Utf8Char c = next_utf8(rest(end));
      if (!(c.code == '_' || is_alpha(c.code) || is_numeric(c.code))) break;
      end += c.size;
    }
    if (end == 0) return false;
    std::string text(rest().substr(0, end));
    if (!is_identifier(text)) bad(fmt::format("'{}' is no name", text));
    add(TokenKind::name, std::move(text));
    advance(end);
    return true;
  }

  bool string() {
    const char quote = rest()[0];
    if (quote != '\'' && quote != '"') return false;
    size_t end = 1;
    while (end < rest().size() && rest()[end] != quote) end += rest()[end] == '\\' ? 2 : 1;
    if (end >= rest().size()) bad(fmt::format("a string without its closing {}", quote));
    const auto value = unescape(rest().substr(1, end - 1));
    if (!value) bad(fmt::format("a broken escape in the string {:.60}", rest().substr(0, end + 1)));
    add(TokenKind::string, *value);
    advance(end + 1);
    return true;
  }

  bool op(std::string& closers) {
    static constexpr std::string_view ops[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                               "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                               ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    const auto* const found = std::find_if(std::begin(ops), std::end(ops),
                                           [&](std::string_view o) { return rest().starts_with(o); });
    if (found == std::end(ops)) return false;
    const char c = (*found)[0];
    if (c == '(' || c == '[' || c == '{') {
      closers += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (closers.empty()) bad(fmt::format("unexpected '{}'", c));
      if (closers.back() != c) bad(fmt::format("unexpected '{}', expected '{}'", c, closers.back()));
      closers.pop_back();
    }
    add(TokenKind::op, std::string(*found));
    advance(found->size());
    return true;
  }

  std::string source_;
  Whitespace whitespace_;
  size_t pos_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const Whitespace& whitespace) {
  return Lexer(with_newlines(source, whitespace.keep_trailing_newline), whitespace).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::data:
      return "text";
    case TokenKind::variable_begin:
      return "'{{'";
    case TokenKind::variable_end:
      return "'}}'";
    case TokenKind::block_begin:
      return "'{%'";
    case TokenKind::block_end:
      return "'%}'";
    case TokenKind::end:
      return "the end of the template";
    default:
      return fmt::format("'{:.60}'", token.text);
  }
}

}  // namespace cohort::jinja
