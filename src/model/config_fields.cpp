#include "model/config_fields.h"

namespace cohort {

nlohmann::ordered_json parse_object(const std::string& text, const std::string& source) {
  nlohmann::ordered_json root;
  try {
    root = parse_ordered_json(text);
  } catch (const nlohmann::ordered_json::exception& e) {
    fail("{}: not valid JSON: {}", source, e.what());
  }
  if (!root.is_object()) fail("{}: expected a JSON object, found {}", source, root.type_name());
  return root;
}

}  // namespace cohort
