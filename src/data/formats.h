// Data files in the forms that people have them, as JSON lines: JSONL, JSON (an array of objects, or an object that holds one),
// CSV and TSV with a header, Parquet; packed by gzip or zstd or not.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

// A file's rows, one JSON object a line. By the name's ending (.csv, .tsv, .json, .parquet; anything else is JSONL), behind .gz and
// .zst; what is packed, and Parquet, is known by its first bytes too. JSONL is given as it stands, so that a fault is found at its line; of other forms line n is row n.
// Throws Error naming file, row and place.
// `columns`: "NEW=OLD" for each column that is to have another name.
std::string json_lines(const std::filesystem::path& path, std::span<const std::string> columns = {});

// The bytes themselves where they are not packed. At most `most` bytes come out. Throws Error.
std::string unpacked(std::string bytes, const std::string& name, size_t most = size_t{16} << 30);

// `separator`: ',' or a tab. Quoted fields as RFC 4180 has them, over several lines too. Values are strings; a field that is empty
// and not quoted is null.
std::string csv_to_json_lines(std::string_view text, char separator, const std::string& name);

// An array of objects, an object whose only array of objects is the rows, or JSONL after all.
std::string json_to_json_lines(std::string_view text, const std::string& name);

}  // namespace cohort
