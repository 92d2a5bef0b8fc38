// Data files in the forms that people have them: JSONL, JSON (an array of objects, or an object that holds one), CSV and TSV with a
// header, Parquet; packed by gzip or zstd or not.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

// Gets rows, each a line of JSON without its line feed.
using LineSink = std::function<void(std::string_view line)>;

enum class Form { jsonl, json, csv, tsv, parquet };

// By the name's ending (.csv, .tsv, .json, .parquet; anything else is JSONL), behind .gz and .zst.
Form form_of(const std::filesystem::path& path);

// Passes over every row of a file, front to back, each as a JSON object in one line. `columns`: "NEW=OLD" for each column that is to
// have another name. Throws Error naming file, row and place.
void json_lines(const std::filesystem::path& path, std::span<const std::string> columns, const LineSink& sink);

}  // namespace cohort
