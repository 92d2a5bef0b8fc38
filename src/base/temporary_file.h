// A file without a name in the system's folder for temporary files ($TMPDIR), written front to back and then mapped. The system
// removes it when nothing uses it any more, however the program ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace cohort {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string purpose);  // for errors: "the rows of data.csv.gz, unpacked"
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  // Throws Error naming purpose, folder and the bytes written so far, where the disk is full for one.
  void append(std::string_view bytes);
  MappedFile map();  // everything that was appended

 private:
  void write_out(std::string_view bytes);
  [[noreturn]] void refuse(const char* what) const;

  std::string purpose_, folder_, pending_;
  int fd_ = -1;
  int64_t written_ = 0;
};

}  // namespace cohort
