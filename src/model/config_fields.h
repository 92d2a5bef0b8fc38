// Reading a configuration's JSON, which is one object.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/check.h"
#include "base/json.h"

namespace cohort {

// Throws Error "SOURCE: ..." where the text is no JSON object.
nlohmann::ordered_json parse_object(const std::string& text, const std::string& source);

// Typed access to one JSON object's fields. A field that is null counts as missing.
class Fields {
 public:
  Fields(const nlohmann::ordered_json& object, std::string where) : object_(object), where_(std::move(where)) {}

  const nlohmann::ordered_json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  bool has_key(const char* name) const { return object_.contains(name); }  // null included
  [[noreturn]] void wrong(const char* name, const char* expected, const nlohmann::ordered_json& found) const {
    fail("{}: '{}': expected {}, found {:.80}", where_, name, expected, dump_json(found));
  }
  const nlohmann::ordered_json& required(const char* name, const char* expected) const {
    const nlohmann::ordered_json* value = find(name);
    if (!value) fail("{}: '{}' is missing (expected {})", where_, name, expected);
    return *value;
  }
  int64_t integer(const char* name) const {
    const nlohmann::ordered_json& value = required(name, "an integer");
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() >> 63))
      wrong(name, "an integer", value);
    return value.get<int64_t>();
  }
  int64_t integer(const char* name, int64_t otherwise) const {
    return find(name) ? integer(name) : otherwise;
  }
  double number(const char* name) const {
    const nlohmann::ordered_json& value = required(name, "a number");
    if (!value.is_number()) wrong(name, "a number", value);
    return value.get<double>();
  }
  double number(const char* name, double otherwise) const { return find(name) ? number(name) : otherwise; }
  bool boolean(const char* name, bool otherwise) const {
    const nlohmann::ordered_json* value = find(name);
    if (value && !value->is_boolean()) wrong(name, "true or false", *value);
    return value ? value->get<bool>() : otherwise;
  }
  std::string string(const char* name, const std::string& otherwise) const {
    const nlohmann::ordered_json* value = find(name);
    if (value && !value->is_string()) wrong(name, "a string", *value);
    return value ? value->get<std::string>() : otherwise;
  }
  const std::string& where() const { return where_; }

 private:
  const nlohmann::ordered_json& object_;
  std::string where_;
};

}  // namespace cohort
