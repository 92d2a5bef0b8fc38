#include "base/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/check.h"

namespace cohort {
namespace {

constexpr size_t kPending = size_t{1} << 20;  // bytes that are written at once

}  // namespace

TemporaryFile::TemporaryFile(std::string purpose) : purpose_(std::move(purpose)) {
  std::error_code error;
  folder_ = std::filesystem::temp_directory_path(error).string();
  if (error) fail("{}: $TMPDIR names no folder for temporary files: {}", purpose_, error.message());
  std::string name = folder_ + "/cohort-XXXXXX";
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) refuse("cannot be made");
  ::unlink(name.c_str());
}

TemporaryFile::~TemporaryFile() {
  if (fd_ >= 0) ::close(fd_);
}

void TemporaryFile::refuse(const char* what) const {
  const int error = errno;
  fail("{}: the temporary file in {} {}{}: {}; $TMPDIR names another folder", purpose_, folder_, what,
       written_ > 0 ? fmt::format(" after {:.1f} MB", static_cast<double>(written_) / 1e6) : "", std::strerror(error));
}

void TemporaryFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(n));
    written_ += n;
  }
}

void TemporaryFile::append(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() < kPending) return;
  write_out(pending_);
  pending_.clear();
}

MappedFile TemporaryFile::map() {
  write_out(pending_);
  pending_.clear();
  return MappedFile(fd_, purpose_);
}

}  // namespace cohort
