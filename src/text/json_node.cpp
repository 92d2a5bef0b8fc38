#include "text/json_node.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace cohort {
namespace {

using nlohmann::json;

void flatten(const JsonNode& node, const char* list, std::vector<JsonNode>& leaves, int depth) {
  if (node.at("type").str() != "Sequence") {
    leaves.push_back(node);
    return;
  }
  if (depth == 8) fail("{}: {}: sequences are nested too deeply", *node.where, node.path);
  for (const JsonNode& element : node.at(list).elements()) flatten(element, list, leaves, depth + 1);
}

}  // namespace

void JsonNode::wrong(std::string_view expected) const {
  std::string found = dump_json(*value);
  if (found.size() > 60) found = found.substr(0, 57) + "...";
  fail("{}: {}: expected {}, found {}", *where, path, expected, found);
}

void JsonNode::unsupported(std::string_view supported) const {
  fail("{}: {}: {} is not supported (supported: {})", *where, path, at("type").str(), supported);
}

std::optional<JsonNode> JsonNode::find(const char* key) const {
  if (!value->is_object()) wrong("an object");
  const auto member = value->find(key);
  if (member == value->end() || member->is_null()) return std::nullopt;
  return JsonNode{&*member, where, path.empty() ? key : path + "." + key};
}

JsonNode JsonNode::at(const char* key) const {
  if (auto member = find(key)) return *member;
  fail("{}: {}: missing", *where, path.empty() ? key : path + "." + key);
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value->is_array()) wrong("an array");
  std::vector<JsonNode> nodes;
  for (size_t i = 0; i < value->size(); ++i)
    nodes.push_back({&(*value)[i], where, fmt::format("{}[{}]", path, i)});
  return nodes;
}

const std::string& JsonNode::str() const {
  if (!value->is_string()) wrong("a string");
  return value->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
  if (!value->is_boolean()) wrong("true or false");
  return value->get<bool>();
}

int32_t JsonNode::id() const {
  const bool fits = value->is_number_unsigned() && value->get<uint64_t>() < uint64_t{1} << 31;
  if (!fits) wrong("a token id");
  return value->get<int32_t>();
}

bool JsonNode::flag(const char* key, bool otherwise) const {
  const auto member = find(key);
  return member ? member->boolean() : otherwise;
}

std::string JsonNode::text(const char* key) const {
  const auto member = find(key);
  return member ? member->str() : "";
}

std::vector<JsonNode> JsonNode::leaves(const char* list) const {
  std::vector<JsonNode> out;
  flatten(*this, list, out, 0);
  return out;
}

json parse_json_file(std::string_view text, const std::string& where) {
  try {
    return parse_json(text);
  } catch (const json::exception& error) {
    fail("{}: not valid JSON: {}", where, error.what());
  }
}

}  // namespace cohort
