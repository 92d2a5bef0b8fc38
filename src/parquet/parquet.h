// Rows of Apache Parquet files, as the Hugging Face hub and most tools for data have them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace cohort {

// Calls `take` with each row of the whole file `file` as a JSON object, without a newline, until it does
// not want more: fields in the schema's order, null for null, lists as arrays, structures as objects, maps
// as objects by their keys' text, values as parquet/value.h writes them. Memory: a page and a dictionary of
// each column, and one row, of `longest` bytes at most. Data pages of both formats in all encodings but the withdrawn
// BIT_PACKED; codecs snappy, gzip, zstd and LZ4_RAW. Throws Error with `name`, and with the row (from 1)
// and the column, for what is broken, encrypted, or not read.
void parquet_rows(std::string_view file, const std::string& name,
                  const std::function<bool(std::string_view line)>& take, size_t longest = size_t{1} << 30);

}  // namespace cohort
