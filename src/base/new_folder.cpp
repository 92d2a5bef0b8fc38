#include "base/new_folder.h"

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace cohort {

namespace fs = std::filesystem;

void check_new_folder(const fs::path& wanted) {
  std::error_code unknown;
  if (fs::exists(fs::symlink_status(wanted, unknown)))
    fail("{}: expected a new folder, found one that exists", wanted.string());
}

NewFolder::NewFolder(const fs::path& wanted) : wanted_(wanted) {
  check_new_folder(wanted);
  if (!wanted_.has_filename()) wanted_ = wanted_.parent_path();  // written with a slash at its end
  aside_ = wanted_;
  aside_ += fmt::format(".tmp.{}", ::getpid());
  std::error_code error;
  if (wanted_.has_parent_path()) fs::create_directories(wanted_.parent_path(), error);
  if (!error && !fs::create_directory(aside_, error) && !error) error = std::make_error_code(std::errc::file_exists);
  if (error) fail("{}: the folder cannot be made: {}", aside_.string(), error.message());
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!aside_.empty()) fs::remove_all(aside_, ignored);
}

void NewFolder::finish() {
  rename_synced(aside_, wanted_);
  aside_.clear();
}

}  // namespace cohort
