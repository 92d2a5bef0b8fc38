#include <charconv>

#include "base/check.h"
#include "base/utf8.h"
#include "template/json.h"
#include "template/text.h"

namespace cohort::jinja {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Value run() {
    Value value = one(0);
    blanks();
    if (at_ < text_.size()) bad("nothing more");
    return value;
  }

 private:
  [[noreturn]] void bad(const char* expected) const {
    fail("not JSON: byte {}: expected {}, found {}", at_ + 1, expected,
         at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_, 1)) : "the end");
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool skip(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  Value one(int depth) {
    if (depth > 500) fail("not JSON: byte {}: nested deeper than 500 levels", at_ + 1);
    blanks();
    if (peek() == '"') return Value::text(string());
    if (skip("true")) return Value::boolean(true);
    if (skip("false")) return Value::boolean(false);
    if (skip("null")) return Value();
    if (skip("[")) {
      std::vector<Value> items;
      blanks();
      if (skip("]")) return Value::list({});
      while (true) {
        items.push_back(one(depth + 1));
        blanks();
        if (skip("]")) return Value::list(std::move(items));
        if (!skip(",")) bad("',' or ']'");
      }
    }
    if (skip("{")) {
      Dict entries;
      blanks();
      if (skip("}")) return Value::dict({});
      while (true) {
        blanks();
        if (peek() != '"') bad("a key");
        Value key = Value::text(string());
        blanks();
        if (!skip(":")) bad("':'");
        entries.set(std::move(key), one(depth + 1));
        blanks();
        if (skip("}")) return Value::dict(std::move(entries));
        if (!skip(",")) bad("',' or '}'");
      }
    }
    return number();
  }

  Value number() {
    const size_t begin = at_;
    const auto digits = [&] {
      const size_t first = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      return at_ - first;
    };
    skip("-");
    const bool zero = peek() == '0';
    const size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) {
      at_ = begin;
      bad("a value");
    }
    bool real = false;
    if (skip(".")) {
      real = true;
      if (digits() == 0) bad("a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      real = true;
      ++at_;
      if (!skip("+")) skip("-");
      if (digits() == 0) bad("a digit");
    }
    const std::string_view text = text_.substr(begin, at_ - begin);
    return real ? Value::real(*read_real(text)) : Value::integer(*read_integer(text));
  }

  uint32_t hex4() {
    uint32_t code = 0;
    if (text_.size() - at_ < 4) bad("four hexadecimal digits");
    const auto read = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
    if (read.ptr != text_.data() + at_ + 4) bad("four hexadecimal digits");
    at_ += 4;
    return code;
  }

  std::string string() {
    std::string out;
    ++at_;
    while (true) {
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out += text_.substr(begin, at_ - begin);
      if (at_ >= text_.size()) bad("'\"'");
      if (skip("\"")) return is_valid_utf8(out) ? out : replace_invalid_utf8(out);
      if (!skip("\\")) bad("no control character in a string");
      const char c = peek();
      ++at_;
      static constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
      if (const size_t known = letters.find(c); c != '\0' && known != letters.npos) {
        out += meant[known];
      } else if (c == 'u') {
        uint32_t code = hex4();
        if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
          const size_t before = at_;
          at_ += 2;
          const uint32_t low = hex4();
          if (low >= 0xDC00 && low < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          else
            at_ = before;
        }
        append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      } else {
        --at_;
        bad("an escape");
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Value read_json(std::string_view text) { return Reader(text).run(); }

}  // namespace cohort::jinja
