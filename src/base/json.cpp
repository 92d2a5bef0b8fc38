#include "base/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/utf8.h"

namespace cohort {
namespace {

constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

[[noreturn]] void refuse(const std::string& why) {
  throw nlohmann::json::other_error::create(500, why, nullptr);
}

void require_depth(std::string_view text) {
  if (json_deeper_than(text, kMaxJsonDepth))
    refuse(fmt::format("arrays and objects are nested deeper than {}", kMaxJsonDepth));
}

// A reader's events made into a value.
class WholeDigits {
 public:
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string& text) {
    return text.find_first_of(".eE") == std::string::npos ? add(text) : add(value);
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(size_t) { return open(nlohmann::json::object()); }
  bool start_array(size_t) { return open(nlohmann::json::array()); }
  bool key(std::string& name) {
    key_ = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  template <class Exception>
  bool parse_error(size_t, const std::string&, const Exception& e) {
    throw e;
  }
  nlohmann::json root;

 private:
  nlohmann::json* place(nlohmann::json value) {
    if (open_.empty()) return &(root = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
    return &((*open_.back())[key_] = std::move(value));
  }
  bool add(nlohmann::json value) { return place(std::move(value)) != nullptr; }
  bool open(nlohmann::json value) {
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  std::vector<nlohmann::json*> open_;
  std::string key_;
};

}  // namespace

bool json_deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

nlohmann::json parse_json(std::string_view text) {
  require_depth(text);
  return nlohmann::json::parse(text);
}
nlohmann::ordered_json parse_ordered_json(std::string_view text) {
  require_depth(text);
  return nlohmann::ordered_json::parse(text);
}

nlohmann::json parse_json_unique_keys(std::string_view text) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      refuse(fmt::format("duplicate key '{}'", parsed.get<std::string>()));
    return true;
  };
  require_depth(text);
  return nlohmann::json::parse(text, check);
}

nlohmann::json parse_json_whole_digits(std::string_view text) {
  require_depth(text);
  WholeDigits reader;
  nlohmann::json::sax_parse(text, &reader);
  return std::move(reader.root);
}

nlohmann::json try_parse_json(std::string_view text) {
  if (json_deeper_than(text, kMaxJsonDepth)) return nlohmann::json::value_t::discarded;
  return nlohmann::json::parse(text, nullptr, false);
}

std::string dump_json(const nlohmann::json& value, int indent, bool ascii) {
  return value.dump(indent, ' ', ascii, kReplace);
}
std::string dump_json(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, kReplace);
}

// As the writer has it, but several times as fast where it is UTF-8: most of a data set is text.
std::string json_text(std::string_view text) {
  if (!is_valid_utf8(text)) return dump_json(nlohmann::json(text));
  std::string out = "\"";
  out.reserve(text.size() + 2);
  size_t plain = 0;  // where bytes begin that stand for themselves
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    if (const size_t known = std::string_view("\"\\\b\f\n\r\t").find(text[i]); known != std::string_view::npos)
      (out += '\\') += "\"\\bfnrt"[known];
    else
      out += fmt::format("\\u{:04x}", byte);
  }
  return (out += text.substr(plain)) += '"';
}

}  // namespace cohort
