#include "data/formats.h"

#include <string>
#include <utility>

namespace cohort {

Form form_of(const std::filesystem::path& path) {
  std::filesystem::path plain = path.filename();
  if (plain.extension() == ".gz" || plain.extension() == ".zst") plain = plain.stem();
  const std::string ending = plain.extension().string();
  for (const auto& [name, form] : {std::pair(".csv", Form::csv), {".tsv", Form::tsv}, {".json", Form::json}, {".parquet", Form::parquet}})
    if (ending == name) return form;
  return Form::jsonl;
}

}  // namespace cohort
