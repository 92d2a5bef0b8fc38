// Other names for the columns of a data file.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cohort {

// `columns`: "NEW=OLD" for each. Throws Error for one that is not.
void check_columns(std::span<const std::string> columns);

// A row with these names, in one line; a text that is no JSON object as it stands, for its reader says what is wrong. Throws Error with
// `place` where a column is not there.
std::string rename_columns(std::string row, std::span<const std::string> columns, const std::string& place);

}  // namespace cohort
