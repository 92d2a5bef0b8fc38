#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "template/json.h"
#include "template/text.h"

namespace cohort::jinja {
namespace {

class Writer {
 public:
  explicit Writer(const JsonStyle& style) : style_(style) {}

  std::string run(const Value& value) {
    one(value, 0);
    return std::move(out_);
  }

 private:
  void text(std::string_view bytes) {
    spend(steps_for_bytes(bytes.size()));
    check_output(out_.size() + bytes.size());
    out_ += '"';
    while (!bytes.empty()) {
      const Utf8Char c = next_utf8(bytes);
      const auto code = static_cast<uint32_t>(c.code);
      static constexpr std::string_view signs = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
      if (const size_t known = code < 0x80 ? signs.find(static_cast<char>(code)) : signs.npos;
          known != signs.npos)
        (out_ += '\\') += letters[known];
      else if (code < 0x20 || (style_.ascii_only && code >= 0x7F && code < 0x10000 && code != 0x7F))
        out_ += fmt::format("\\u{:04x}", code);
      else if (style_.ascii_only && code >= 0x10000)
        out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10),
                            0xDC00 + ((code - 0x10000) & 0x3FF));
      else
        out_ += bytes.substr(0, c.size);
      bytes.remove_prefix(c.size);
    }
    out_ += '"';
  }

  static std::string number(const Value& value) {
    if (!value.is(Kind::real)) return fmt::format("{}", value.as_integer());
    const double real = value.as_real();
    if (std::isnan(real)) return "NaN";
    if (std::isinf(real)) return real > 0 ? "Infinity" : "-Infinity";
    return real_text(real);
  }

  void key(const Value& key) {
    if (key.is(Kind::string)) return text(key.bytes());
    if (key.is(Kind::boolean)) return text(key.as_bool() ? "true" : "false");
    if (key.is(Kind::none)) return text("null");
    if (key.is_number()) return text(number(key));
    fail("keys must be str, int, float, bool or None, not {}", type_name(key));
  }

  void line(int depth) {
    if (!style_.indent) return;
    check_output(out_.size() + style_.indent->size() * static_cast<size_t>(depth));
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += *style_.indent;
  }

  // What stands between brackets: `write(i)` for each of `size`.
  template <class F>
  void many(char open, char close, size_t size, int depth, F write) {
    out_ += open;
    for (size_t i = 0; i < size; ++i) {
      if (i > 0) out_ += style_.item_separator;
      line(depth + 1);
      write(i);
    }
    if (size > 0) line(depth);
    out_ += close;
  }

  void one(const Value& value, int depth) {
    const Deeper deeper;
    spend(1);
    check_output(out_.size());
    switch (value.kind()) {
      case Kind::none:
        out_ += "null";
        return;
      case Kind::boolean:
        out_ += value.as_bool() ? "true" : "false";
        return;
      case Kind::integer:
      case Kind::real:
        out_ += number(value);
        return;
      case Kind::string:
        return text(value.bytes());
      case Kind::list:
      case Kind::tuple:
        return many('[', ']', value.items().size(), depth,
                    [&](size_t i) { one(value.items()[i], depth + 1); });
      case Kind::dict: {
        std::vector<std::pair<Value, Value>> items = value.entries().items();
        if (style_.sort_keys)
          std::stable_sort(items.begin(), items.end(),
                           [](const auto& a, const auto& b) { return less(a.first, b.first); });
        return many('{', '}', items.size(), depth, [&](size_t i) {
          key(items[i].first);
          out_ += style_.key_separator;
          one(items[i].second, depth + 1);
        });
      }
      default:
        fail("Object of type {} is not JSON serializable", type_name(value));
    }
  }

  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style) { return Writer(style).run(value); }

}  // namespace cohort::jinja
