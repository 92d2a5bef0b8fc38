#include "data/formats.h"

#include "data/row_file.h"

namespace cohort {

Form form_of(const std::filesystem::path& path) {
  std::filesystem::path plain = path.filename();
  if (plain.extension() == ".gz" || plain.extension() == ".zst") plain = plain.stem();
  const std::string ending = plain.extension().string();
  for (const auto& [name, form] : {std::pair(".csv", Form::csv), {".tsv", Form::tsv}, {".json", Form::json}, {".parquet", Form::parquet}})
    if (ending == name) return form;
  return Form::jsonl;
}

void json_lines(const std::filesystem::path& path, std::span<const std::string> columns, const LineSink& sink) {
  RowFile file(path, {.columns = {columns.begin(), columns.end()}});
  while (const int64_t found = file.find(1024)) {
    for (int64_t i = file.size() - found; i < file.size(); ++i) sink(file.json(i));
    file.forget();
  }
}

}  // namespace cohort
