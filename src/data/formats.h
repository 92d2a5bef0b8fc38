// Data files in the forms that people have them: JSONL, JSON (an array of objects, or an object that holds one), CSV and TSV with a
// header, Parquet; packed by gzip or zstd or not.
#pragma once

#include <filesystem>

namespace cohort {

enum class Form { jsonl, json, csv, tsv, parquet };

// By the name's ending (.csv, .tsv, .json, .parquet; anything else is JSONL), behind .gz and .zst.
Form form_of(const std::filesystem::path& path);

}  // namespace cohort
