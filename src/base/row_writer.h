// Rows written while they are made: aside, and renamed when they are whole, so that a file is whole or not
// there.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"

namespace cohort {

// Throws Error where `path` is a folder, or a file that exists and `overwrite` is not set. Empty: the
// terminal.
void check_new_file(const std::string& path, bool overwrite);

// On the terminal where there is no path. A file that finish() was not called for leaves nothing behind.
class RowWriter {
 public:
  explicit RowWriter(const std::string& path);
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  ~RowWriter();

  void append(const std::string& rows);
  void finish();

 private:
  std::filesystem::path aside() const { return path_ + ".tmp"; }
  std::string path_;
  AppendLog log_;
  bool finished_ = false;
};

}  // namespace cohort
