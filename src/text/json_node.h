// A value of a JSON file and its place, for errors that name both.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

struct JsonNode {
  const nlohmann::json* value;
  const std::string* where;  // the file
  std::string path;          // inside it: "model.vocab"

  [[noreturn]] void wrong(std::string_view expected) const;
  // For a component whose `type` is not known.
  [[noreturn]] void unsupported(std::string_view supported) const;

  std::optional<JsonNode> find(const char* key) const;  // a member that is there and not null
  JsonNode at(const char* key) const;
  std::vector<JsonNode> elements() const;
  const std::string& str() const;
  bool boolean() const;
  int32_t id() const;  // 0 .. 2^31 - 1
  bool flag(const char* key, bool otherwise) const;
  std::string text(const char* key) const;  // empty where there is none

  // The members of a component that is a Sequence (its list is called `list`), at any depth; or the node
  // itself.
  std::vector<JsonNode> leaves(const char* list) const;
};

// Throws Error where the text is no JSON.
nlohmann::json parse_json_file(std::string_view text, const std::string& where);

}  // namespace cohort
