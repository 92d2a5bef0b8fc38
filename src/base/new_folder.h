// A folder that appears whole or not at all.
#pragma once

#include <filesystem>

namespace cohort {

// Files are written into path(), a folder of this program's own beside the one wanted; finish() renames it into
// place. Without that it is removed. Throws Error where the folder wanted exists.
class NewFolder {
 public:
  explicit NewFolder(const std::filesystem::path& wanted);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const std::filesystem::path& path() const { return aside_; }
  void finish();

 private:
  std::filesystem::path wanted_, aside_;
};

// Throws Error "PATH: expected a new folder ..." where it exists.
void check_new_folder(const std::filesystem::path& wanted);

}  // namespace cohort
