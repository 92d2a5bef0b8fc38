#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace cohort {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void system_error(const char* what, const std::filesystem::path& path) {
  const int error = errno;
  fail("{}: {}: {}", path.string(), what, std::strerror(error));
}

int open_or_fail(const std::filesystem::path& path, int flags, const char* what) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) system_error(what, path);
  return fd;
}

int64_t regular_size(int fd, const std::filesystem::path& path) {
  struct stat status;
  if (::fstat(fd, &status) != 0) system_error("cannot be examined", path);
  if (S_ISDIR(status.st_mode)) fail("{}: expected a file, found a folder", path.string());
  return status.st_size;
}

void write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) system_error("cannot be written", path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  Descriptor file{open_or_fail(path, O_RDONLY, "cannot be opened")};
  std::string bytes;
  bytes.resize(static_cast<size_t>(regular_size(file.fd, path)));
  size_t done = 0;
  for (;;) {  // the size is a hint: pipes and /proc files say 0
    if (done == bytes.size()) bytes.resize(bytes.size() + 4096);
    const ssize_t n = ::read(file.fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) system_error("cannot be read", path);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

void read_parts(const std::filesystem::path& path, const std::function<void(std::string_view)>& take) {
  Descriptor file{open_or_fail(path, O_RDONLY, "cannot be opened")};
  std::string part(size_t{1} << 20, '\0');
  for (;;) {
    size_t done = 0;
    while (done < part.size()) {
      const ssize_t n = ::read(file.fd, part.data() + done, part.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) system_error("cannot be read", path);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    take(std::string_view(part).substr(0, done));
    if (done < part.size()) return;
  }
}

void write_new_file(const std::filesystem::path& path, std::string_view bytes) {
  Descriptor file{open_or_fail(path, O_WRONLY | O_CREAT | O_TRUNC, "cannot be created")};
  write_all(file.fd, bytes, path);
  if (::fsync(file.fd) != 0) system_error("cannot be synced", path);
}

bool is_stream(const std::filesystem::path& path) {
  const auto kind = std::filesystem::status(path).type();
  using enum std::filesystem::file_type;
  return kind == character || kind == block || kind == fifo || kind == socket;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  if (is_stream(path)) {
    Descriptor file{open_or_fail(path, O_WRONLY, "cannot be written")};
    while (!bytes.empty()) {
      const ssize_t n = ::write(file.fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) system_error("cannot be written", path);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return;
  }
  std::filesystem::path aside = path;
  aside += ".tmp";
  try {
    write_new_file(aside, bytes);
    rename_synced(aside, path);
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.empty() ? "." : folder;
  Descriptor file{open_or_fail(path, O_RDONLY | O_DIRECTORY, "cannot be opened")};
  if (::fsync(file.fd) != 0) system_error("cannot be synced", path);
}

void rename_synced(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) system_error("cannot be renamed into place", to);
  sync_folder(to.parent_path());
}

MappedFile::MappedFile(int fd, const std::filesystem::path& name) {
  size_ = static_cast<size_t>(regular_size(fd, name));
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    size_ = 0;
    system_error("cannot be mapped", name);
  }
  data_ = data;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file{open_or_fail(path, O_RDONLY, "cannot be opened")};
  *this = MappedFile(file.fd, path);
}

void MappedFile::release(size_t begin, size_t end) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  if (begin < end) ::madvise(static_cast<char*>(data_) + begin, end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(data_, size_);
}

AppendLog::AppendLog(const std::filesystem::path& path, int64_t length) : path_(path) {
  fd_ = open_or_fail(path, O_WRONLY | O_CREAT, "cannot be opened for appending");
  const int64_t size = regular_size(fd_, path);
  if (size < length)
    fail("{}: expected at least {} bytes (what the checkpoint recorded), found {}", path.string(), length,
         size);
  if (::ftruncate(fd_, length) != 0) system_error("cannot be cut", path);
  if (::lseek(fd_, length, SEEK_SET) < 0) system_error("cannot be positioned", path);
  length_ = length;
}

AppendLog::~AppendLog() {
  if (fd_ >= 0) ::close(fd_);
}

void AppendLog::append(std::string_view bytes) {
  write_all(fd_, bytes, path_);
  length_ += static_cast<int64_t>(bytes.size());
}

void AppendLog::sync() {
  if (::fsync(fd_) != 0) system_error("cannot be synced", path_);
}

int64_t whole_rows(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return 0;
  const MappedFile file(path);
  const size_t newline = file.bytes().rfind('\n');
  return newline == std::string_view::npos ? 0 : static_cast<int64_t>(newline) + 1;
}

}  // namespace cohort
