// Other names for the columns of a data file.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cohort {

// `columns`: "NEW=OLD" for each. Throws Error for one that is not, and where two have the same new name.
void check_columns(std::span<const std::string> columns);

// A row with these names, all given at once, so that two columns may change places; the renamed ones stand last, and their values are not
// touched. A text that is no JSON object stays as it is, for its reader says what is wrong. Throws Error with `place` where a column is not
// there.
std::string rename_columns(std::string row, std::span<const std::string> columns, const std::string& place);

}  // namespace cohort
