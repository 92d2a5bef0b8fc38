#include "data/conversation.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cohort {
namespace {

std::string text_of(const nlohmann::json& message, const char* name, const std::string& place) {
  if (!message.is_object()) fail("{}: expected an object, found {}", place, message.type_name());
  const auto it = message.find(name);
  if (it == message.end() || !it->is_string())
    fail("{}: expected the string \"{}\", found {}", place, name,
         it == message.end() ? "none" : it->type_name());
  return it->get<std::string>();
}

}  // namespace

void read_messages(const nlohmann::json& messages, const std::string& place, Row& row) {
  if (!messages.is_array() || messages.empty() || messages.size() % 2 != 0)
    fail("{}: \"messages\" is {}, expected user and assistant by turns", place,
         messages.is_array() ? fmt::format("a list of {}", messages.size()) : messages.type_name());
  row.turns.clear();
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = fmt::format("{}: messages[{}]", place, i);
    const std::string role = text_of(messages[i], "role", where);
    const char* expected = i % 2 == 0 ? "user" : "assistant";
    if (role != expected)
      fail("{}: expected the role \"{}\", found \"{:.40}\"{}", where, expected, role,
           role == "system" ? " (a system message needs the chat template: give no prompt_prefix or prompt_suffix)" : "");
    std::string content = text_of(messages[i], "content", where);
    if (i == 0)
      row.question = row.prompt = std::move(content);
    else
      row.turns.push_back(std::move(content));
  }
}

namespace {

bool is_list(const nlohmann::json& fields, const char* name) {
  const auto it = fields.find(name);
  return it != fields.end() && it->is_array();
}

// A message's text; of a list of parts, those of text.
std::string content_of(const nlohmann::json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  if (content->is_array())
    for (const nlohmann::json& part : *content)
      if (part.is_object() && part.contains("text") && part["text"].is_string()) text += part["text"].get<std::string>();
  return text;
}

}  // namespace

bool holds_messages(const nlohmann::json& fields) {
  const auto prompt = fields.find("prompt");
  if (prompt != fields.end() && prompt->is_string()) return false;
  for (const char* name : {"messages", "prompt", "chosen", "rejected"})
    if (is_list(fields, name)) return true;
  return false;
}

void check_messages(const nlohmann::json& fields, const std::string& place, RequiredFields required, Row& row) {
  const bool whole = is_list(fields, "messages") && !is_list(fields, "prompt");
  const bool pair = is_list(fields, "chosen") && is_list(fields, "rejected");
  for (const std::string_view name : required) {
    const bool implied = (whole && (name == "prompt" || name == "completion")) || (pair && name == "prompt");
    if (!implied && !is_list(fields, std::string(name).c_str()))
      fail("{}: \"{}\" is {}, expected a list of messages as the row's other fields are", place, name,
           fields.contains(name) ? fields[std::string(name)].type_name() : "missing");
  }
  for (const char* name : {"messages", "prompt", "completion", "chosen", "rejected"}) {
    if (!is_list(fields, name)) continue;
    const nlohmann::json& list = fields[name];
    if (list.empty()) fail("{}: \"{}\" is a list of 0, expected messages", place, name);
    for (size_t i = 0; i < list.size(); ++i) text_of(list[i], "role", fmt::format("{}: {}[{}]", place, name, i));
  }
  for (const char* name : {"prompt", "chosen", "messages", "rejected"}) {
    if (!is_list(fields, name)) continue;
    for (const nlohmann::json& message : fields[name])
      if (message["role"] == "user") row.question = content_of(message);
    break;
  }
}

}  // namespace cohort
