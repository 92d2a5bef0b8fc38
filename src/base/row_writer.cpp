#include "base/row_writer.h"

#include <cstdio>

#include "base/check.h"

namespace cohort {

void check_new_file(const std::string& path, bool overwrite) {
  if (path.empty()) return;
  if (std::filesystem::is_directory(path)) fail("{}: expected a file to write, found a folder", path);
  if (!overwrite && std::filesystem::exists(path) && !is_stream(path))
    fail("{}: expected a new file, found one that exists; --overwrite replaces it", path);
}

RowWriter::RowWriter(const std::string& path) : path_(path) {
  if (!path.empty() && !is_stream(path)) log_ = AppendLog(aside(), 0);
}

RowWriter::~RowWriter() {
  if (path_.empty() || finished_ || is_stream(path_)) return;
  std::error_code ignored;
  std::filesystem::remove(aside(), ignored);
}

void RowWriter::append(const std::string& rows) {
  if (path_.empty())
    std::fwrite(rows.data(), 1, rows.size(), stdout);
  else if (is_stream(path_))
    write_file(path_, rows);
  else
    log_.append(rows);
}

void RowWriter::finish() {
  if (!path_.empty() && !is_stream(path_)) {
    log_.sync();
    rename_synced(aside(), path_);
  }
  finished_ = true;
}

}  // namespace cohort
