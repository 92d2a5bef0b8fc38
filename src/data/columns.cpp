#include "data/columns.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/json.h"
#include "data/json_rows.h"

namespace cohort {
namespace {

// Of "NEW=OLD".
std::string new_name(const std::string& column) { return column.substr(0, column.find('=')); }
std::string old_name(const std::string& column) { return column.substr(column.find('=') + 1); }

std::string text_of(std::string_view key) {
  const nlohmann::json name = try_parse_json(key);
  return name.is_string() ? name.get<std::string>() : std::string();
}

}  // namespace

void check_columns(std::span<const std::string> columns) {
  std::set<std::string> names;
  for (const std::string& column : columns) {
    if (const size_t equals = column.find('='); equals == std::string::npos || equals == 0 || equals + 1 == column.size())
      fail("columns: expected NEW=OLD, found \"{}\"", column);
    if (!names.insert(new_name(column)).second)
      fail("columns: expected one old column for each new name, found two for \"{}\"", new_name(column));
  }
}

std::string rename_columns(std::string text, std::span<const std::string> columns, const std::string& place) {
  if (columns.empty()) return text;
  if (!try_parse_json(text).is_object()) return text;
  const std::vector<JsonMember> members = json_members(text);
  std::vector<std::string> names;
  for (const JsonMember& member : members) names.push_back(text_of(member.key));
  std::string out = "{";
  const auto add = [&](std::string_view key, std::string_view value) {
    ((out += out.size() > 1 ? "," : "") += key) += ':';
    out += value;
  };
  std::set<std::string> gone;  // renamed, or another column's name now
  for (const std::string& column : columns) gone.insert({new_name(column), old_name(column)});
  for (size_t i = 0; i < members.size(); ++i)
    if (!gone.contains(names[i])) add(members[i].key, members[i].value);
  for (const std::string& column : columns) {
    const auto found = std::find(names.rbegin(), names.rend(), old_name(column));  // of a key that stands twice the last
    if (found == names.rend())
      fail("{}: no field \"{}\", which columns names, found {:.200}", place, old_name(column),
           fmt::format("{}", fmt::join(names, ", ")));
    add(json_text(new_name(column)), members[static_cast<size_t>(names.rend() - found - 1)].value);
  }
  return out + "}";
}

}  // namespace cohort
