#include "data/columns.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace cohort {

using OrderedJson = nlohmann::ordered_json;

void check_columns(std::span<const std::string> columns) {
  for (const std::string& column : columns)
    if (const size_t equals = column.find('='); equals == std::string::npos || equals == 0 || equals + 1 == column.size())
      fail("columns: expected NEW=OLD, found \"{}\"", column);
}

std::string rename_columns(std::string text, std::span<const std::string> columns, const std::string& place) {
  if (columns.empty()) return text;
  OrderedJson row;
  try {
    row = parse_ordered_json(text);
  } catch (const OrderedJson::exception&) {
  }
  if (!row.is_object()) return text;
  OrderedJson renamed = row;
  for (const std::string& column : columns) {
    const size_t equals = column.find('=');
    const auto old = row.find(column.substr(equals + 1));
    if (old == row.end()) {
      std::string found;
      for (const auto& item : row.items()) found += (found.empty() ? "" : ", ") + item.key();
      fail("{}: no field \"{}\", which columns names, found {:.200}", place, column.substr(equals + 1), found);
    }
    renamed.erase(old.key());
    renamed[column.substr(0, equals)] = *old;
  }
  return dump_json(renamed);
}

}  // namespace cohort
