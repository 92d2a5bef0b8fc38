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
           role == "system" ? " (system messages need a chat template, which is not there yet)" : "");
    std::string content = text_of(messages[i], "content", where);
    if (i == 0)
      row.question = row.prompt = std::move(content);
    else
      row.turns.push_back(std::move(content));
  }
}

}  // namespace cohort
