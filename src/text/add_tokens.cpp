#include "text/add_tokens.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

Json flags(const std::string& token, bool special) {
  return {{"content", token},    {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false},  {"special", special}};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> with_added_tokens(
    std::vector<std::pair<std::string, std::string>> files, std::span<const std::string> tokens, bool special,
    int32_t first_id, const std::string& source) {
  if (std::ranges::none_of(files, [](const auto& file) { return file.first == "tokenizer.json"; }))
    fail("{}: expected a tokenizer.json to add tokens to, found a tokenizer in another form", source);
  for (auto& [name, bytes] : files) {
    if (name != "tokenizer.json" && name != "tokenizer_config.json" && name != "added_tokens.json") continue;
    Json root;
    try {
      root = parse_ordered_json(bytes);
    } catch (const Json::exception& e) {
      fail("{}/{}: not valid JSON: {}", source, name, e.what());
    }
    if (!root.is_object()) fail("{}/{}: expected an object, found {}", source, name, root.type_name());
    if (name == "tokenizer_config.json" && !root.contains("added_tokens_decoder")) continue;
    int32_t id = first_id;
    for (const std::string& token : tokens) {
      if (name == "tokenizer.json") {
        Json entry{{"id", id}};
        entry.update(flags(token, special));
        root["added_tokens"].push_back(entry);
      } else if (name == "tokenizer_config.json") {
        root["added_tokens_decoder"][std::to_string(id)] = flags(token, special);
      } else {
        root[token] = id;
      }
      ++id;
    }
    bytes = dump_json(root, 2) + "\n";
  }
  return files;
}

}  // namespace cohort
